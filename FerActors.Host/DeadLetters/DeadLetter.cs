using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FerActors.Host.Broker;
using RabbitMQ.Client;

namespace FerActors.Host.DeadLetters;

/// <summary>A message of a dead-letter queue, as it lies there.</summary>
/// <param name="Tag">The delivery's tag.</param>
/// <param name="Properties">All its properties and headers.</param>
/// <param name="Body">Its body: an image, or what was sent as one.</param>
internal sealed record DeadLetter(ulong Tag, IReadOnlyBasicProperties Properties, ReadOnlyMemory<byte> Body)
{
    /// <summary>How often an operator has sent the message back to its queue.</summary>
    public const string RequeuedHeader = "x-fer-requeued";

    private const string DeathsHeader = "x-death";
    private const string DeliveriesHeader = "x-delivery-count";
    private const int DigestCharacters = 16;

    // What says that it is a dead letter. A message that goes back begins anew.
    private static readonly string[] OfDeath =
    [
        RabbitTopology.ReasonHeader, RabbitTopology.DeadSinceHeader, DeathsHeader, DeliveriesHeader,
        "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason",
        "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason",
    ];

    /// <summary>The message's id, or where it has none that of its body.</summary>
    public string Id => string.IsNullOrEmpty(Properties.MessageId) ? Digest : Properties.MessageId;

    /// <summary>Names the body: <c>sha256:</c> and the first 16 digits.</summary>
    public string Digest { get; } = $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Body.Span))[..DigestCharacters]}";

    /// <summary>Length of the body as it came.</summary>
    public int Bytes { get; } = Body.Length;

    /// <summary>The node's sentence, or the broker's word (<c>expired</c>, <c>rejected</c>, <c>delivery_limit</c>, <c>maxlen</c>).</summary>
    public string Reason => TextOf(Header(RabbitTopology.ReasonHeader)) ?? TextOf(LastDeath?.GetValueOrDefault("reason")) ?? "";

    /// <summary>The queue from which the broker took it; absent where a node has put it here.</summary>
    public string? From => TextOf(LastDeath?.GetValueOrDefault("queue"));

    /// <summary>When it became a dead letter, by the clock of the node or of the broker; absent where neither wrote it down.</summary>
    public DateTimeOffset? Since
    {
        get
        {
            var byNode = Header(RabbitTopology.DeadSinceHeader) is long milliseconds && milliseconds is > 0 and < 253_402_300_800_000
                ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
                : (DateTimeOffset?)null;
            var byBroker = LastDeath?.GetValueOrDefault("time") is AmqpTimestamp { UnixTime: > 0 and < 253_402_300_800 } time
                ? DateTimeOffset.FromUnixTimeSeconds(time.UnixTime)
                : (DateTimeOffset?)null;
            return byNode is null || byBroker > byNode ? byBroker : byNode;
        }
    }

    /// <summary>How often an operator has sent it back.</summary>
    public long Requeued => NumberOf(Header(RequeuedHeader));

    /// <summary>How often the broker has taken it back into this queue. It drops a message whose count passes the queue's limit.</summary>
    public long Returned => NumberOf(Header(DeliveriesHeader));

    /// <summary>The same without the body, for who only lists it.</summary>
    public DeadLetter WithoutBody() => this with { Body = default };

    /// <summary>The properties with which it goes back to where it came from: as it was sent.</summary>
    /// <param name="withoutReplyTo">The result shall go to the default queue for results.</param>
    public BasicProperties ForRequeue(bool withoutReplyTo)
    {
        var properties = Copy(OfDeath);
        properties.Headers![RequeuedHeader] = Requeued + 1;
        if (withoutReplyTo)
        {
            properties.ClearReplyTo();
        }

        return properties;
    }

    /// <summary>The properties of a copy that stays a dead letter, whose returns are counted anew, and which lasts no longer than this one.</summary>
    /// <param name="now">The time.</param>
    /// <param name="timeToLive">How long the queue keeps messages; zero for ever.</param>
    public BasicProperties ForRenewal(DateTimeOffset now, TimeSpan timeToLive)
    {
        var properties = Copy([DeliveriesHeader]);
        if (Since is { } since && timeToLive > TimeSpan.Zero)
        {
            var left = Math.Max(0, (since + timeToLive - now).TotalMilliseconds);
            properties.Expiration = ((long)left).ToString(CultureInfo.InvariantCulture);
        }

        return properties;
    }

    /// <summary>Everything that it says of itself but its body. Long values are cut.</summary>
    public IEnumerable<(string Name, string Value)> Facts()
    {
        (string, string?)[] facts =
        [
            ("message-id", Properties.MessageId),
            ("reason", Reason),
            ("dead since", Since?.ToString("u", CultureInfo.InvariantCulture)),
            ("from queue", From),
            ("bytes", Bytes.ToString(CultureInfo.InvariantCulture)),
            ("digest", Digest),
            ("correlation-id", Properties.CorrelationId),
            ("reply-to", Properties.ReplyTo),
            ("content-type", Properties.ContentType),
            ("app-id", Properties.AppId),
            ("type", Properties.Type),
            ("timestamp", Properties.IsTimestampPresent() ? TextOf(Properties.Timestamp) : null),
            ("expiration", Properties.Expiration),
            ("requeued", Requeued > 0 ? Requeued.ToString(CultureInfo.InvariantCulture) : null),
        ];
        var headers = (Properties.Headers ?? new Dictionary<string, object?>())
            .Where(header => !OfDeath.Contains(header.Key, StringComparer.Ordinal) && header.Key != RequeuedHeader)
            .Select(header => ($"header {header.Key}", TextOf(header.Value)));
        return facts.Concat(headers).Where(fact => !string.IsNullOrEmpty(fact.Item2)).Select(fact => (fact.Item1, Cut(fact.Item2!)));
    }

    private Dictionary<string, object?>? LastDeath =>
        Header(DeathsHeader) is IList<object> { Count: > 0 } deaths && deaths[0] is IDictionary<string, object?> last ? new(last) : null;

    private object? Header(string name) => Properties.Headers?.TryGetValue(name, out var value) == true ? value : null;

    // Without what would make the broker do something else with it: let it expire, compare the user with this one, send copies elsewhere.
    private BasicProperties Copy(string[] without)
    {
        var properties = new BasicProperties(Properties) { DeliveryMode = DeliveryModes.Persistent };
        properties.ClearExpiration();
        properties.ClearUserId();
        properties.Headers = (Properties.Headers ?? new Dictionary<string, object?>())
            .Where(header => header.Key is not ("CC" or "BCC") && !without.Contains(header.Key, StringComparer.Ordinal))
            .ToDictionary(header => header.Key, header => header.Value);
        return properties;
    }

    private static long NumberOf(object? value) => value switch
    {
        long number => number,
        int number => number,
        short number => number,
        sbyte number => number,
        byte number => number,
        _ => 0,
    };

    private static string? TextOf(object? value) => value switch
    {
        null => null,
        string text => text,
        byte[] bytes => Readable(bytes) ?? $"({bytes.Length} bytes)",
        AmqpTimestamp { UnixTime: >= 0 and < 253_402_300_800 } time => DateTimeOffset.FromUnixTimeSeconds(time.UnixTime).ToString("u", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        bool truth => truth ? "true" : "false",
        _ => "(a list or a table)",
    };

    private static string? Readable(byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string Cut(string text) => text.Length <= 300 ? text : $"{text[..300]}... ({text.Length} characters)";
}
