using FerActors.Training.Engine;
using FerActors.Training.Runs;
using FerActors.Training.Tracking;

namespace FerActors.Training.Sweeps;

/// <summary>Runs a sweep's trials as whole training runs: each in a folder of its own, with trackers, resumable like any run.</summary>
/// <param name="template">What all trials share; its options, name and folders are replaced.</param>
/// <param name="folder">The sweep's folder.</param>
/// <param name="listener">Told what happens.</param>
/// <param name="trackers">Makes a trial's trackers from its run folder.</param>
public sealed class TrialTraining(
    TrainingRequest template, string folder, ITrainingListener? listener, Func<string, IReadOnlyList<IRunTracker>> trackers)
{
    /// <summary>The folder of a trial: <c>run</c> and <c>model</c> are in it.</summary>
    public static string FolderOf(string sweep, int trial) => Path.Combine(sweep, FormattableString.Invariant($"trial-{trial + 1:000}"));

    /// <inheritdoc cref="TrialRunner"/>
    public async Task RunAsync(TrainingOptions options, int trial, Func<int, EpochRecord, bool> report, CancellationToken cancellation)
    {
        var place = FolderOf(folder, trial);
        var sweep = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
        var request = template with
        {
            Options = options,
            Name = $"{sweep}-{Path.GetFileName(place)}",
            RunFolder = Path.Combine(place, "run"),
            ModelFolder = Path.Combine(place, "model"),
        };
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await TrackedTraining.RunAsync(
            request,
            new Reporter(listener, report, stop),
            trackers(request.RunFolder),
            [new("fer.sweep", sweep), new("fer.trial", FormattableString.Invariant($"{trial + 1}"))],
            stop.Token).ConfigureAwait(false);
    }

    private sealed class Reporter(ITrainingListener? listener, Func<int, EpochRecord, bool> report, CancellationTokenSource stop) : ITrainingListener
    {
        public void Say(string sentence) => listener?.Say(sentence);

        public void Enter(TrainingStage stage) => listener?.Enter(stage);

        public void Advance(TrainingProgress progress)
        {
            listener?.Advance(progress);
            if (progress.Validation is { } record && !report(record.Epoch, record))
            {
                stop.Cancel();
            }
        }
    }
}
