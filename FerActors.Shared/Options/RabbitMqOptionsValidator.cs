using System.Text;
using Microsoft.Extensions.Options;

namespace FerActors.Shared.Options;

/// <summary>Checks <see cref="RabbitMqOptions"/> and reports every fault at once, so that one start shows all of them.</summary>
public sealed class RabbitMqOptionsValidator : IValidateOptions<RabbitMqOptions>
{
    // The broker refuses a message TTL beyond 2^32 - 1 ms.
    private static readonly TimeSpan LongestTtl = TimeSpan.FromMilliseconds(uint.MaxValue);

    public ValidateOptionsResult Validate(string? name, RabbitMqOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<string>();
        void Require(bool condition, string fault)
        {
            if (!condition)
            {
                faults.Add($"{RabbitMqOptions.SectionName}: {fault}");
            }
        }

        CheckAddress(options, Require);
        CheckNames(options, Require);
        CheckReplyPrefixes(options, Require);

        Require(!string.IsNullOrWhiteSpace(options.ClientName), "ClientName is empty.");
        Require(options.DeliveryLimit >= 2, $"DeliveryLimit is {options.DeliveryLimit}; it must be at least 2, or one restart dead-letters innocent images.");
        Require(options.Prefetch is >= 1 and <= 2000, $"Prefetch is {options.Prefetch}; it must be between 1 and 2000.");
        Require(options.MaxBodyBytes is >= 1 and <= 128 * 1024 * 1024, $"MaxBodyBytes is {options.MaxBodyBytes}; it must be between 1 and 134217728.");
        Require(options.MaxOutstandingPublishes is >= 1 and <= 4096, $"MaxOutstandingPublishes is {options.MaxOutstandingPublishes}; it must be between 1 and 4096.");
        RequireBetween(options.PublishTimeout, nameof(options.PublishTimeout), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        RequireBetween(options.Heartbeat, nameof(options.Heartbeat), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        RequireBetween(options.ConnectTimeout, nameof(options.ConnectTimeout), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        RequireBetween(options.ReconnectMinBackoff, nameof(options.ReconnectMinBackoff), TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(5));
        RequireBetween(options.ReconnectMaxBackoff, nameof(options.ReconnectMaxBackoff), TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Require(
            options.ReconnectMaxBackoff >= options.ReconnectMinBackoff,
            $"ReconnectMaxBackoff ({options.ReconnectMaxBackoff}) is shorter than ReconnectMinBackoff ({options.ReconnectMinBackoff}).");
        RequireBetween(options.DeadLetterMessageTtl, nameof(options.DeadLetterMessageTtl), TimeSpan.Zero, LongestTtl);
        RequireBetween(options.DrainTimeout, nameof(options.DrainTimeout), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        RequireBetween(options.OutcomeTimeout, nameof(options.OutcomeTimeout), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(25));

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void RequireBetween(TimeSpan value, string property, TimeSpan shortest, TimeSpan longest) =>
            Require(value >= shortest && value <= longest, $"{property} is {value}; it must be between {shortest} and {longest}.");
    }

    // No sentence repeats the address: a mistyped one still holds the password.
    private static void CheckAddress(RabbitMqOptions options, Action<bool, string> require)
    {
        if (!Uri.TryCreate(options.Uri, UriKind.Absolute, out var uri))
        {
            require(false, "Uri is not an address like amqp://user:password@host:5672/vhost.");
            return;
        }

        require(uri.Scheme is "amqp" or "amqps", "Uri must start with amqp:// or amqps://.");
        require(!string.IsNullOrEmpty(uri.Host), "Uri names no host.");
        require(uri.Segments.Length <= 2, "Uri has more than one path segment; a slash inside the virtual host's name is written %2f.");
        require(
            options.PasswordFile is null || File.Exists(options.PasswordFile),
            $"PasswordFile names a file that is not there: {options.PasswordFile}");
    }

    private static void CheckNames(RabbitMqOptions options, Action<bool, string> require)
    {
        (string Property, string Value)[] names =
        [
            (nameof(options.ImagesQueue), options.ImagesQueue),
            (nameof(options.ResultsQueue), options.ResultsQueue),
            (nameof(options.DeadLetterExchange), options.DeadLetterExchange),
            (nameof(options.DeadLetterQueue), options.DeadLetterQueue),
            (nameof(options.FeedbackQueue), options.FeedbackQueue),
            (nameof(options.FeedbackDeadLetterQueue), options.FeedbackDeadLetterQueue),
        ];
        foreach (var (property, value) in names)
        {
            require(!string.IsNullOrWhiteSpace(value), $"{property} is empty.");
            require(value is null || Encoding.UTF8.GetByteCount(value) <= 255, $"{property} is longer than 255 bytes.");
            require(value is null || !value.StartsWith("amq.", StringComparison.Ordinal), $"{property} starts with amq., which the broker keeps for itself.");
        }

        string[] queues = [options.ImagesQueue, options.ResultsQueue, options.DeadLetterQueue, options.FeedbackQueue, options.FeedbackDeadLetterQueue];
        require(
            queues.Distinct(StringComparer.Ordinal).Count() == queues.Length,
            "ImagesQueue, ResultsQueue, DeadLetterQueue, FeedbackQueue and FeedbackDeadLetterQueue must be different queues.");
    }

    private static void CheckReplyPrefixes(RabbitMqOptions options, Action<bool, string> require)
    {
        foreach (var prefix in options.ReplyPrefixes)
        {
            if (string.IsNullOrEmpty(prefix))
            {
                require(false, "ReplyToAllowed has an empty prefix, which would allow every queue.");
                continue;
            }

            foreach (var queue in new[] { options.ImagesQueue, options.DeadLetterQueue, options.FeedbackQueue, options.FeedbackDeadLetterQueue })
            {
                require(
                    queue is null || !queue.StartsWith(prefix, StringComparison.Ordinal),
                    $"ReplyToAllowed has the prefix '{prefix}', which would let strangers put messages into {queue}.");
            }
        }
    }
}
