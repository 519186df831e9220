namespace FerActors.Shared.Options;

/// <summary>Where traces, metrics and logs go by OTLP, and how often a node's actors are asked for their counts. Prometheus reads metrics at the health endpoint.</summary>
public sealed record TelemetryOptions
{
    public const string Section = "Telemetry";

    private static readonly TelemetrySignal[] All = Enum.GetValues<TelemetrySignal>();

    /// <summary>
    /// An OTLP collector for everything in <see cref="Send"/>, such as <c>http://127.0.0.1:4317</c>; where empty, what the environment's
    /// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says.
    /// </summary>
    public string Url { get; init; } = "";

    /// <summary>A collector for traces alone, which goes before <see cref="Url"/>; the whole address for <see cref="OtlpProtocol.HttpProtobuf"/>.</summary>
    public string TracesUrl { get; init; } = "";

    /// <summary>How a collector is spoken to; absent for <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>, and gRPC where that is absent too.</summary>
    public OtlpProtocol? Protocol { get; init; }

    /// <summary>What is sent; absent for all three. <c>OTEL_TRACES_EXPORTER=none</c> and its like leave one out, too.</summary>
    public IReadOnlyList<TelemetrySignal>? Send { get; init; }

    /// <summary>Headers of each request, as <c>name=value,name=value</c>. <see cref="HeadersFile"/> is better, since the environment is easily shown.</summary>
    [SecretOption]
    public string? Headers { get; init; }

    /// <summary>A file that holds the headers.</summary>
    public string? HeadersFile { get; init; }

    /// <summary>Share of the traces begun here that is recorded, 0 to 1; a publisher's own decision is followed. <c>OTEL_TRACES_SAMPLER</c> goes before it.</summary>
    public double TraceShare { get; init; } = 0.1;

    /// <summary>How often the node's actors are asked for what they count.</summary>
    public TimeSpan CollectEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What is sent where there is a collector for it.</summary>
    public IReadOnlyList<TelemetrySignal> Signals => Send ?? All;

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(Url.Length == 0 || IsHttp(Url), nameof(Url), Url, "the http(s) address of an OTLP collector, or empty");
        errors.Check(TracesUrl.Length == 0 || IsHttp(TracesUrl), nameof(TracesUrl), TracesUrl, "the http(s) address of an OTLP collector, or empty");
        errors.Check(Headers is null || HeadersFile is null, nameof(HeadersFile), HeadersFile, "absent where Headers is given");
        errors.Check(TraceShare is >= 0 and <= 1, nameof(TraceShare), TraceShare, "from 0 to 1");
        errors.Check(
            CollectEvery >= TimeSpan.FromMilliseconds(50) && CollectEvery <= TimeSpan.FromMinutes(5),
            nameof(CollectEvery), CollectEvery, "from 50 ms to 5 minutes");
        return errors.All;
    }

    // A record would print the headers.
    public override string ToString() => $"OTLP to {Redaction.Of(Url.Length > 0 ? Url : TracesUrl)}";

    private static bool IsHttp(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var parsed) && (parsed.Scheme == Uri.UriSchemeHttp || parsed.Scheme == Uri.UriSchemeHttps);
}

/// <summary>What a node tells a collector.</summary>
public enum TelemetrySignal
{
    Traces = 0,
    Metrics = 1,
    Logs = 2,
}

/// <summary>The transports of OTLP.</summary>
public enum OtlpProtocol
{
    Grpc = 0,
    HttpProtobuf = 1,
}
