namespace FerActors.Shared.Options;

/// <summary>Where traces go, and how often a node's actors are asked for their counts. Metrics are read at the health endpoint.</summary>
public sealed record TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>An OTLP collector that takes traces (gRPC), such as <c>http://127.0.0.1:4317</c>; empty traces nothing.</summary>
    public string TracesUrl { get; init; } = "";

    /// <summary>Share of the traces begun here that is recorded, 0 to 1; a publisher's own decision is followed.</summary>
    public double TraceShare { get; init; } = 0.1;

    /// <summary>How often the node's actors are asked for what they count.</summary>
    public TimeSpan CollectEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(TracesUrl.Length == 0 || IsHttp(TracesUrl), nameof(TracesUrl), TracesUrl, "the http(s) address of an OTLP collector, or empty");
        errors.Check(TraceShare is >= 0 and <= 1, nameof(TraceShare), TraceShare, "from 0 to 1");
        errors.Check(
            CollectEvery >= TimeSpan.FromMilliseconds(50) && CollectEvery <= TimeSpan.FromMinutes(5),
            nameof(CollectEvery), CollectEvery, "from 50 ms to 5 minutes");
        return errors.All;
    }

    private static bool IsHttp(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var parsed) && (parsed.Scheme == Uri.UriSchemeHttp || parsed.Scheme == Uri.UriSchemeHttps);
}
