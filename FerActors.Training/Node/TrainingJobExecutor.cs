using System.Globalization;
using System.Text.Json;
using FerActors.Shared.Options;
using FerActors.Shared.Training;
using FerActors.Training.Engine;
using FerActors.Training.Hub;
using FerActors.Training.Runs;
using FerActors.Training.Tracking;
using RunState = FerActors.Shared.Training.RunState;

namespace FerActors.Training.Node;

/// <summary>
/// Carries out runs by <see cref="TrackedTraining"/>, each in a folder of its own that it holds a <see cref="RunLease"/> on.
/// </summary>
/// <param name="options">Where the runs are, and how long a lease holds.</param>
/// <param name="fetchFromHub">Gives a local folder for what stands behind <c>hub:</c>; by default <see cref="HubClient.FetchFolderAsync"/>.</param>
public sealed class TrainingJobExecutor(
    TrainingServiceOptions options, Func<string, CancellationToken, Task<string>>? fetchFromHub = null) : ITrainingExecutor
{
    /// <summary>Within the run's folder.</summary>
    public const string ModelFolderName = "model";

    // Two executors of a process are two holders.
    private readonly string _holder = $"{Environment.MachineName}/{Environment.ProcessId}-{Guid.NewGuid():N}";

    public IReadOnlyList<string> Validate(RunSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var errors = new List<string>();
        try
        {
            var given = TrainingOptions.FromJson(spec.OptionsJson);
            if (given.InitFrom is { } other && spec.InitFrom is { } wanted && other != wanted)
            {
                errors.Add($"The run begins from '{wanted}' and its options from '{other}'; name one of them.");
            }

            errors.AddRange(Options(spec).Validate());
            if (given.EarlyStopping.Metric == EarlyStoppingOptions.Agreement)
            {
                errors.Add("early_stopping.metric is 'agreement', but a run of the training service has no votes; use fer train.");
            }

            if (LabelSource.NeedsVotes(given.Labels))
            {
                errors.Add($"labels is '{given.Labels}', but a run of the training service has no votes; use fer train.");
            }
        }
        catch (JsonException e)
        {
            errors.Add($"The options are not valid JSON for a training run: {e.Message}");
        }

        return errors;
    }

    public async Task<string> RunAsync(RunSpec spec, int attempt, IRunListener listener, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(listener);
        var folder = Path.GetFullPath(Path.Combine(options.RunsFolder, spec.Id.Value));
        Directory.CreateDirectory(folder);
        using var lease = await RunLease.TakeAsync(folder, _holder, attempt, options.LeaseTimeout, cancellation);
        var request = new TrainingRequest
        {
            DataPath = spec.DataPath,
            RunFolder = folder,
            ModelFolder = Path.Combine(folder, ModelFolderName),
            Options = Options(spec),
            Name = spec.Name,
            Version = spec.ModelVersion.Value,
            Command = $"run {spec.Id} of the training service",
            GitCommit = RunProvenance.GitCommit,
            CheckpointEvery = options.CheckpointEvery,
            FetchFromHub = fetchFromHub ?? HubClient.FetchFolderAsync,
        };
        var outcome = await lease.HoldAsync(
            options.LeaseTimeout,
            held => TrackedTraining.RunAsync(
                request,
                new Listener(listener, request.Options.BatchSize),
                TrackedTraining.FromEnvironment(folder, listener.Say),
                [new("fer.run", spec.Id.Value), new("fer.attempt", attempt.ToString(CultureInfo.InvariantCulture))],
                held),
            cancellation);
        return outcome.ModelFolder;
    }

    private static TrainingOptions Options(RunSpec spec)
    {
        var given = TrainingOptions.FromJson(spec.OptionsJson);
        return spec.InitFrom is { } folder ? given with { InitFrom = folder } : given;
    }

    private sealed class Listener(IRunListener listener, int batchSize) : ITrainingListener
    {
        public void Say(string sentence) => listener.Say(sentence);

        public void Enter(TrainingStage stage)
        {
            if (stage != TrainingStage.Preparing)
            {
                listener.Reached(stage == TrainingStage.Training ? RunState.Running : RunState.Evaluating);
            }
        }

        public void Advance(TrainingProgress progress)
        {
            var imagesLeft = (progress.Steps - progress.Step) * (double)batchSize;
            listener.Advanced(new RunProgress(
                progress.Epoch,
                progress.Epochs,
                progress.Step,
                progress.Steps,
                progress.Loss,
                progress.ImagesPerSecond,
                progress.ImagesPerSecond > 0 ? imagesLeft / progress.ImagesPerSecond : -1));
            if (progress.Validation is { } epoch)
            {
                listener.Finished(new EpochMetrics(epoch.Epoch, epoch.Step, epoch.TrainLoss, epoch.Accuracy, epoch.MacroF1));
            }
        }
    }
}
