using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.OpenInference;

/// <summary>Counts this node's requests of the protocol for each version since the node began, in the form of Triton's statistics.</summary>
/// <param name="time">The clock.</param>
internal sealed class InferenceStatistics(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Counts> _versions = new(StringComparer.Ordinal);

    /// <summary>A request was answered.</summary>
    /// <param name="version">The version that answered.</param>
    /// <param name="elapsed">From the read request to the answer.</param>
    /// <param name="results">One for each image.</param>
    public void Answered(string version, TimeSpan elapsed, IReadOnlyList<ClassificationResult> results)
    {
        lock (_gate)
        {
            var counts = Of(version);
            counts.Last = time.GetUtcNow().ToUnixTimeMilliseconds();
            counts.Images += results.Count;
            counts.Executions += results.Count(result => result.Faces.Count > 0);
            counts.Success.Add(elapsed);

            // The images of a request travel side by side: the longest of each stage is what the request waited for.
            counts.Queue.Add(Longest(results, times => times.Queue));
            counts.Input.Add(Longest(results, times => times.Decode + times.Detect + times.Align));
            counts.Infer.Add(Longest(results, times => times.Infer));
        }
    }

    /// <summary>A request failed, after it had been read.</summary>
    public void Failed(string version, TimeSpan elapsed)
    {
        lock (_gate)
        {
            Of(version).Fail.Add(elapsed);
        }
    }

    /// <summary>What was counted.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">One version; all where absent.</param>
    public IReadOnlyList<ModelStatistics> Read(string model, string? version)
    {
        lock (_gate)
        {
            return [.. _versions.Where(entry => version is null || entry.Key == version).Select(entry => entry.Value.View(model, entry.Key))];
        }
    }

    private static TimeSpan Longest(IReadOnlyList<ClassificationResult> results, Func<Timings, double> stage) =>
        TimeSpan.FromMilliseconds(results.Max(result => stage(result.TimingsMs)));

    private Counts Of(string version)
    {
        if (!_versions.TryGetValue(version, out var counts))
        {
            _versions.Add(version, counts = new Counts());
        }

        return counts;
    }

    private sealed class Counts
    {
        public long Last { get; set; }

        public long Images { get; set; }

        public long Executions { get; set; }

        public Duration Success { get; } = new();

        public Duration Fail { get; } = new();

        public Duration Queue { get; } = new();

        public Duration Input { get; } = new();

        public Duration Infer { get; } = new();

        public ModelStatistics View(string model, string version) => new(
            model,
            version,
            Last,
            Images,
            Executions,
            new InferenceDurations(
                Success.View(), Fail.View(), Queue.View(), Input.View(), Infer.View(), StatisticDuration.None, StatisticDuration.None, StatisticDuration.None),
            []);
    }

    private sealed class Duration
    {
        private long _count;
        private long _nanoseconds;

        public void Add(TimeSpan time)
        {
            _count++;
            _nanoseconds += (long)time.TotalNanoseconds;
        }

        public StatisticDuration View() => new(_count, _nanoseconds);
    }
}
