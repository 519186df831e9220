namespace FerActors.Training.Tracking;

/// <summary>
/// A place where runs are recorded. Its methods are called one at a time, in this order: start, any number of metrics and artifacts,
/// end. They may throw and may be slow; <see cref="TrackerQueue"/> keeps both away from the run.
/// </summary>
public interface IRunTracker : IAsyncDisposable
{
    /// <summary>What it is called in messages.</summary>
    string Name { get; }

    Task StartAsync(TrackedRun run, CancellationToken cancellation);

    /// <param name="metrics">In the order in which they arose; at most <see cref="TrackerQueue.MaxBatch"/>.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    Task LogAsync(IReadOnlyList<TrackedMetric> metrics, CancellationToken cancellation);

    /// <param name="path">A file, complete and no longer written to.</param>
    /// <param name="name">Its name in the run's record.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    Task LogArtifactAsync(string path, string name, CancellationToken cancellation);

    Task EndAsync(RunStatus status, CancellationToken cancellation);
}

/// <summary>A run at its start.</summary>
/// <param name="Name">For people.</param>
/// <param name="Folder">The run's folder; a tracker may keep there what it needs to go on with a resumed run.</param>
/// <param name="Parameters">Options by their names, nested ones with dots.</param>
/// <param name="Tags">What else identifies it.</param>
public sealed record TrackedRun(
    string Name, string Folder, IReadOnlyList<KeyValuePair<string, string>> Parameters, IReadOnlyList<KeyValuePair<string, string>> Tags);

/// <param name="Key">With slashes for groups, for example <c>validation/accuracy</c>.</param>
/// <param name="Value">Perhaps not finite.</param>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="Time">When it arose.</param>
public readonly record struct TrackedMetric(string Key, double Value, long Step, DateTimeOffset Time);

/// <summary>How a run ended.</summary>
public enum RunStatus
{
    Finished,
    Failed,

    /// <summary>Stopped; it may go on later.</summary>
    Killed,
}

/// <summary>A tracker refuses something, and would refuse it again: a second attempt makes no sense.</summary>
public sealed class TrackerRefusedException(string message) : Exception(message);
