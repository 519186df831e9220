namespace FerActors.Shared.Options;

/// <summary>How this node talks to RabbitMQ: where the broker is, what its queues are called, and every limit of the transport.</summary>
public sealed class RabbitMqOptions
{
    /// <summary>The configuration section that binds to this class.</summary>
    public const string SectionName = "RabbitMq";

    private static readonly string[] DefaultReplyPrefixes = ["fer.reply.", "amq.gen-"];

    /// <summary><c>amqp://user:password@host:port/vhost</c>, or <c>amqps</c> for TLS with the host's name verified.</summary>
    public string Uri { get; set; } = "amqp://guest:guest@localhost:5672/";

    /// <summary>
    /// A file that holds the password and replaces the one in <see cref="Uri"/>; a line end after it is ignored. It is read
    /// at every connect, so that a rotated secret needs no restart.
    /// </summary>
    public string? PasswordFile { get; set; }

    /// <summary>Starts the connection names that the broker shows.</summary>
    public string ClientName { get; set; } = "feractors";

    /// <summary>Where images are taken from.</summary>
    public string ImagesQueue { get; set; } = "fer.images";

    /// <summary>Where results go that name no queue of their own.</summary>
    public string ResultsQueue { get; set; } = "fer.results";

    /// <summary>The exchange through which the broker dead-letters.</summary>
    public string DeadLetterExchange { get; set; } = "fer.dlx";

    /// <summary>Where messages end that never can be answered.</summary>
    public string DeadLetterQueue { get; set; } = "fer.images.dead";

    /// <summary>Where people's word on results is taken from.</summary>
    public string FeedbackQueue { get; set; } = "fer.feedback";

    /// <summary>Where feedback ends that cannot be used, with the reason in its header <c>x-fer-reason</c>.</summary>
    public string FeedbackDeadLetterQueue { get; set; } = "fer.feedback.dead";

    /// <summary>
    /// Declare queues and exchange at every connect. Without it they must exist, and the broker's user needs no right to
    /// configure anything.
    /// </summary>
    public bool DeclareTopology { get; set; } = true;

    /// <summary>
    /// How often a message may be returned to the queue before the broker dead-letters it. At least 2; small numbers are
    /// spent by rolling restarts, since RabbitMQ 3.10 also counts a closed connection.
    /// </summary>
    public int DeliveryLimit { get; set; } = 10;

    /// <summary>Images this node may hold unanswered: its in-flight limit. 1 to 2000, the bound of a quorum queue.</summary>
    public int Prefetch { get; set; } = 64;

    /// <summary>Larger bodies are answered with <c>too_large</c> and never copied.</summary>
    public int MaxBodyBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>The broker must confirm a result within this time; otherwise the connection is discarded and the result sent again.</summary>
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Results on their way to the broker at once.</summary>
    public int MaxOutstandingPublishes { get; set; } = 64;

    /// <summary>A dead connection is noticed after three to four of these.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bounds one attempt to connect, and each request on a fresh connection.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The wait after the first failed attempt to connect; it doubles with every further one.</summary>
    public TimeSpan ReconnectMinBackoff { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait between two attempts.</summary>
    public TimeSpan ReconnectMaxBackoff { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Starts of queue names that a <c>reply-to</c> may have; absent means <c>fer.reply.</c> and <c>amq.gen-</c>. The default
    /// results queue is always allowed.
    /// </summary>
    public string[]? ReplyToAllowed { get; set; }

    /// <summary>How long dead-lettered images are kept; zero keeps them for ever.</summary>
    public TimeSpan DeadLetterMessageTtl { get; set; } = TimeSpan.FromDays(14);

    /// <summary>How long a stopping node waits for the images in flight before it returns them to the queue.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>An image that the pipeline did not answer within this time is returned to the queue.</summary>
    public TimeSpan OutcomeTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The prefixes in force.</summary>
    public IReadOnlyList<string> ReplyPrefixes => ReplyToAllowed ?? DefaultReplyPrefixes;

    /// <summary>The address without its credentials, for logs and people.</summary>
    public string RedactedUri => Redact(Uri);

    public override string ToString() => $"RabbitMQ at {RedactedUri}, {ImagesQueue} to {ResultsQueue}, prefetch {Prefetch}";

    private static string Redact(string uri)
    {
        // What is no AMQP address may hold its password anywhere: "user:password@host" reads as a scheme and a path.
        if (!System.Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("amqp" or "amqps"))
        {
            return "(not an address)";
        }

        var port = parsed.IsDefaultPort || parsed.Port < 0 ? "" : $":{parsed.Port}";
        return $"{parsed.Scheme}://{parsed.Host}{port}{parsed.AbsolutePath}";
    }
}
