using FerActors.Shared.Protocol;

namespace FerActors.Lab.Bench;

/// <summary>What one run of the load generator measured. Mean times are microseconds, as in Triton's perf_analyzer.</summary>
/// <param name="PerSecond">Answered images a second within the window; not measured where an image had no answer.</param>
/// <param name="ClientSend">Until the broker has confirmed the image.</param>
/// <param name="Network">What is left of the latency beside the node's own time: the broker twice, the network, a late sender.</param>
/// <param name="ServerQueue">Waiting in the node: for a worker and for the batch.</param>
/// <param name="ComputeInput">Decoding, detection and alignment.</param>
/// <param name="ComputeInfer">The forward pass of the image's batch.</param>
/// <param name="ComputeOutput">The rest of the node's time.</param>
/// <param name="ClientReceive">Parsing the result.</param>
/// <param name="Latency">From the intended moment to the result, in milliseconds, of the images that were answered.</param>
/// <param name="LatencyFromSend">The same from the actual sending: what a generator without the correction would report.</param>
/// <param name="Faces">Mean faces of an image.</param>
/// <param name="Outcomes">Images by outcome.</param>
internal sealed record LoadSummary(
    Figure PerSecond,
    double ClientSend,
    double Network,
    double ServerQueue,
    double ComputeInput,
    double ComputeInfer,
    double ComputeOutput,
    double ClientReceive,
    LatencyPercentiles Latency,
    LatencyPercentiles LatencyFromSend,
    double Faces,
    IReadOnlyDictionary<string, int> Outcomes)
{
    /// <summary>The 99th percentile; not measured where an image had no answer, since the percentile leaves that image out.</summary>
    public Figure Tail => PerSecond is Figure.Measured ? Figure.Of(Latency.P99) : PerSecond;

    /// <summary>Sums a run up.</summary>
    /// <param name="traces">All its images.</param>
    /// <param name="from">Results before this moment warm up: they count as outcomes only.</param>
    /// <param name="to">The end of the window that counts for the throughput.</param>
    public static LoadSummary Of(IReadOnlyCollection<RequestTrace> traces, TimeSpan from, TimeSpan to)
    {
        var counted = traces.Where(t => t.IsAnswered && t.Arrived >= from).ToList();
        return new LoadSummary(
            Failure(traces) ?? Figure.Rate(counted.Count(t => t.Arrived <= to), (to - from).TotalSeconds),
            Mean(t => t.Confirmed - t.Sent),
            Mean(t => t.Latency!.Value - Milliseconds(t.Server.Total) - (t.Read!.Value - t.Arrived!.Value)),
            Mean(t => Milliseconds(t.Server.Queue)),
            Mean(t => Milliseconds(Input(t.Server))),
            Mean(t => Milliseconds(t.Server.Infer)),
            Mean(t => Milliseconds(Math.Max(0, t.Server.Total - t.Server.Queue - Input(t.Server) - t.Server.Infer))),
            Mean(t => t.Read!.Value - t.Arrived!.Value),
            LatencyPercentiles.Of(counted.Select(t => t.Latency!.Value)),
            LatencyPercentiles.Of(counted.Select(t => t.Arrived!.Value - t.Sent)),
            counted.Count == 0 ? double.NaN : counted.Average(t => t.Faces),
            traces.GroupBy(t => t.Outcome).OrderBy(g => g.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count()));

        double Mean(Func<RequestTrace, TimeSpan> time) => counted.Count == 0 ? double.NaN : counted.Average(t => time(t).TotalMicroseconds);
    }

    private static Figure.NotMeasured? Failure(IReadOnlyCollection<RequestTrace> traces)
    {
        var failed = traces.Where(t => !t.IsAnswered).ToList();
        return failed.Count == 0
            ? null
            : new Figure.NotMeasured(
                $"{failed.Count} of {traces.Count} images had no answer ({string.Join(", ", failed.Select(t => t.Outcome).Distinct().Order(StringComparer.Ordinal))})");
    }

    private static double Input(Timings server) => server.Decode + server.Detect + server.Align;

    private static TimeSpan Milliseconds(double value) => TimeSpan.FromMilliseconds(value);
}
