using System.Collections.Concurrent;
using FerActors.Training.Tracking;

namespace FerActors.Training.Tests.Tracking;

/// <summary>Remembers what it is told, and fails or hangs where the test wants it.</summary>
internal sealed class FakeTracker : IRunTracker
{
    public string Name => "Fake";

    public ConcurrentQueue<string> Heard { get; } = [];

    public Func<CancellationToken, Task> Before { get; set; } = _ => Task.CompletedTask;

    public int Attempts { get; private set; }

    public Task StartAsync(TrackedRun run, CancellationToken cancellation) => Hear($"start {run.Name}", cancellation);

    public Task LogAsync(IReadOnlyList<TrackedMetric> metrics, CancellationToken cancellation) =>
        Hear(string.Join(' ', metrics.Select(metric => $"{metric.Key}={metric.Value}")), cancellation);

    public Task LogArtifactAsync(string path, string name, CancellationToken cancellation) => Hear($"artifact {name}", cancellation);

    public Task EndAsync(RunStatus status, CancellationToken cancellation) => Hear($"end {status}", cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task Hear(string what, CancellationToken cancellation)
    {
        Attempts++;
        await Before(cancellation);
        Heard.Enqueue(what);
    }
}
