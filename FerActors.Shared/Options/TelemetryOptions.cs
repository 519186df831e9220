using System.Net;

namespace FerActors.Shared.Options;

/// <summary>Where metrics can be read and where traces go; nothing of either by default.</summary>
public sealed record TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>Where Prometheus reads <c>/metrics</c>, such as <c>http://127.0.0.1:9464</c>; port 0 takes any free one. Empty is nowhere.</summary>
    public string MetricsUrl { get; init; } = "";

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
        errors.Check(
            MetricsUrl.Length == 0
            || (IsHttp(MetricsUrl, out var metrics) && metrics.Scheme == Uri.UriSchemeHttp && IPAddress.TryParse(metrics.DnsSafeHost, out _)),
            nameof(MetricsUrl), MetricsUrl, "http://ADDRESS:PORT, or empty");
        errors.Check(TracesUrl.Length == 0 || IsHttp(TracesUrl, out _), nameof(TracesUrl), TracesUrl, "the http(s) address of an OTLP collector, or empty");
        errors.Check(TraceShare is >= 0 and <= 1, nameof(TraceShare), TraceShare, "from 0 to 1");
        errors.Check(
            CollectEvery >= TimeSpan.FromMilliseconds(50) && CollectEvery <= TimeSpan.FromMinutes(5),
            nameof(CollectEvery), CollectEvery, "from 50 ms to 5 minutes");
        return errors.All;
    }

    private static bool IsHttp(string url, out Uri parsed) =>
        Uri.TryCreate(url, UriKind.Absolute, out parsed!) && (parsed.Scheme == Uri.UriSchemeHttp || parsed.Scheme == Uri.UriSchemeHttps);
}
