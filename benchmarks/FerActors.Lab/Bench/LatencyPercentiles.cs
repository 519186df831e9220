namespace FerActors.Lab.Bench;

/// <summary>Percentiles of a sample in milliseconds, each the smallest value that so many of the sample do not exceed (nearest rank).</summary>
/// <remarks>No interpolation: every figure is a latency that was seen. Of fewer than 100 values the 99th is the largest one.</remarks>
internal sealed record LatencyPercentiles(int Count, double P50, double P90, double P95, double P99, double Max)
{
    public static LatencyPercentiles None { get; } = new(0, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN);

    public static LatencyPercentiles Of(IEnumerable<TimeSpan> latencies) => OfMilliseconds(latencies.Select(l => l.TotalMilliseconds));

    /// <param name="milliseconds">In any order.</param>
    public static LatencyPercentiles OfMilliseconds(IEnumerable<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToArray();
        return sorted.Length == 0
            ? None
            : new(sorted.Length, Rank(sorted, 50), Rank(sorted, 90), Rank(sorted, 95), Rank(sorted, 99), sorted[^1]);
    }

    private static double Rank(double[] sorted, int percent) => sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * percent / 100.0) - 1)];
}
