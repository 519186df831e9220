using FerActors.Shared.Options;
using Microsoft.Extensions.Options;

namespace FerActors.Client;

/// <summary>Where FerActors is and how much is asked of it at once.</summary>
public sealed class FerClientOptions
{
    /// <summary>
    /// <c>amqp://user:password@host:port/vhost</c> or <c>amqps://...</c> for the broker, <c>http://...</c> or <c>https://...</c> for the
    /// API. It has no default.
    /// </summary>
    [SecretOption]
    public string Address { get; set; } = "";

    /// <summary>A file with the broker's password, instead of the one in the address; read at every connect.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>The API's key, sent as <c>X-Api-Key</c>.</summary>
    [SecretOption]
    public string? ApiKey { get; set; }

    /// <summary>Longest wait for a result where a request says nothing else; 10 ms to 1 day.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Requests without a result at once, 1 to 10000. Further ones wait; that counts towards their timeout.</summary>
    public int MaxInFlight { get; set; } = 256;

    /// <summary>Larger images are refused before anything is sent, 1 to 134217728 bytes. Nodes take 8 MiB by default.</summary>
    public int MaxImageBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>The queue of images.</summary>
    public string ImagesQueue { get; set; } = "fer.images";

    /// <summary>How the name of this client's own reply queue begins. Nodes answer to names of their list <c>RabbitMq:ReplyToAllowed</c>.</summary>
    public string ReplyQueuePrefix { get; set; } = "fer.reply.";

    /// <summary>
    /// Take results by the broker's direct reply-to instead of a queue of this client's own: for users without the right to declare one.
    /// </summary>
    public bool DirectReplyTo { get; set; }

    /// <summary>The broker must confirm an image within this time, or the connection is replaced and the image sent again; 0.1 s to 5 min.</summary>
    public TimeSpan ConfirmTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bounds one attempt to connect to the broker; 0.1 s to 5 min.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A dead connection to the broker is noticed after two of these; 1 s to 5 min.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The wait after the first failed attempt to connect; it doubles with every further one.</summary>
    public TimeSpan ReconnectMinBackoff { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait between two attempts to connect.</summary>
    public TimeSpan ReconnectMaxBackoff { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The connection's name, which the broker shows.</summary>
    public string ClientName { get; set; } = "feractors-client";

    /// <summary>How often a request that the API puts off (<c>Retry-After</c>) is sent again within its timeout; 0 to 100.</summary>
    public int MaxRetries { get; set; } = 3;

    internal bool IsHttp => Uri.TryCreate(Address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";
}

/// <summary>Names every mistake of the options at once, and shows neither address nor key.</summary>
internal sealed class FerClientOptionsValidator : IValidateOptions<FerClientOptions>
{
    public ValidateOptionsResult Validate(string? name, FerClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var mistakes = new List<string>();
        CheckAddress(options, Require);
        Require(options.PasswordFile is null || File.Exists(options.PasswordFile), $"PasswordFile names a file that is not there: {options.PasswordFile}.");
        Require(
            options.ApiKey is null || (options.ApiKey.Length > 0 && options.ApiKey.All(c => c is > ' ' and < '\x7F')),
            "ApiKey is empty or holds a character that no key has.");
        Within(nameof(options.Timeout), options.Timeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1));
        Require(options.MaxInFlight is >= 1 and <= 10_000, $"MaxInFlight is {options.MaxInFlight}; it must be between 1 and 10000.");
        Require(options.MaxImageBytes is >= 1 and <= 1 << 27, $"MaxImageBytes is {options.MaxImageBytes}; it must be between 1 and 134217728.");
        Queue(nameof(options.ImagesQueue), options.ImagesQueue, 255);
        Queue(nameof(options.ReplyQueuePrefix), options.ReplyQueuePrefix, 200);
        Within(nameof(options.ConfirmTimeout), options.ConfirmTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        Within(nameof(options.ConnectTimeout), options.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        Within(nameof(options.Heartbeat), options.Heartbeat, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        Within(nameof(options.ReconnectMinBackoff), options.ReconnectMinBackoff, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(5));
        Within(nameof(options.ReconnectMaxBackoff), options.ReconnectMaxBackoff, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Require(
            options.ReconnectMaxBackoff >= options.ReconnectMinBackoff,
            $"ReconnectMaxBackoff ({options.ReconnectMaxBackoff}) is shorter than ReconnectMinBackoff ({options.ReconnectMinBackoff}).");
        Require(!string.IsNullOrWhiteSpace(options.ClientName), "ClientName is empty.");
        Require(options.MaxRetries is >= 0 and <= 100, $"MaxRetries is {options.MaxRetries}; it must be between 0 and 100.");
        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);

        void Require(bool good, string mistake)
        {
            if (!good)
            {
                mistakes.Add($"{nameof(FerClientOptions)}: {mistake}");
            }
        }

        void Within(string property, TimeSpan value, TimeSpan shortest, TimeSpan longest) =>
            Require(value >= shortest && value <= longest, $"{property} is {value}; it must be between {shortest} and {longest}.");

        void Queue(string property, string value, int most) => Require(
            !string.IsNullOrWhiteSpace(value) && !value.StartsWith("amq.", StringComparison.Ordinal) && System.Text.Encoding.UTF8.GetByteCount(value) <= most,
            $"{property} is empty, longer than {most} bytes, or starts with amq., which the broker keeps for itself.");
    }

    // No sentence repeats the address: a mistyped one still holds the password.
    private static void CheckAddress(FerClientOptions options, Action<bool, string> require)
    {
        if (!Uri.TryCreate(options.Address, UriKind.Absolute, out var uri) || uri.Host.Length == 0 || uri.Scheme is not ("amqp" or "amqps" or "http" or "https"))
        {
            require(false, "Address must be like amqp://user:password@host:5672/ for the broker, or https://host/ for the API.");
            return;
        }

        if (options.IsHttp)
        {
            require(uri.UserInfo.Length == 0 && uri.Query.Length == 0, "Address of the API has a user or a query; the key belongs into ApiKey.");
            require(options.PasswordFile is null, "PasswordFile is for the broker, and Address is that of the API.");
        }
        else
        {
            require(uri.Segments.Length <= 2, "Address has more than one path segment; a slash inside the virtual host's name is written %2f.");
            require(options.ApiKey is null, "ApiKey is for the API, and Address is that of the broker.");
        }
    }
}
