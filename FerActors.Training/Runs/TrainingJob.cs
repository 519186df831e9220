using FerActors.Shared.Registry;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Runs;

/// <summary>A whole run: read and clean the data, train, calibrate, evaluate the file that is shipped, write the model folder.</summary>
public static class TrainingJob
{
    public const string OptionsFileName = "options.json";
    public const string LogFileName = "log.jsonl";

    /// <summary>Runs, or continues, until the model folder is written or until cancelled.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="progress">Told what happens.</param>
    /// <param name="cancellation">Stops at the next batch; the same request continues later. To pause a run is to cancel it.</param>
    /// <returns>The evaluation of the written weights, flip test-time augmentation first.</returns>
    /// <exception cref="FormatException">The device is not there; nothing was begun.</exception>
    /// <exception cref="FerDataException">The data has errors; they are listed with their rows.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; everything done so far is in the run's folder.</exception>
    public static async Task<TrainingOutcome> RunAsync(
        TrainingRequest request, ITrainingListener? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var device = ComputeDevice.Choose(request.Device, request.Devices);
        Directory.CreateDirectory(request.RunFolder);
        if (!new RunCheckpoint(request.RunFolder).Exists)
        {
            // Where a run was begun, its options stand here; if these are others, the trainer refuses them and names this file.
            await File.WriteAllTextAsync(Path.Combine(request.RunFolder, OptionsFileName), request.Options.ToJson() + "\n", cancellation);
        }

        progress?.Enter(TrainingStage.Preparing);
        var sources = await TrainingSources.ResolveAsync(request.Options, request.FetchFromHub, cancellation);
        var split = await TrainingSplit.ReadAsync(
            request.DataPath, request.VotesPath, request.KeepDuplicates, request.HoldOut, request.FolderLabels, progress is null ? null : progress.Say, cancellation);

        progress?.Say($"The run computes on {device}");
        var trainer = new Trainer(request.Options, split.Train, split.Validation, device, sources) { EndsHere = request.EndsHere };
        progress?.Enter(TrainingStage.Training);
        using var trained = await trainer.RunAsync(
            request.RunFolder, request.CheckpointEvery, new Reporter(request.RunFolder, progress), cancellation);

        if (trained.Epoch < trained.State.Epoch)
        {
            progress?.Say($"Of {trained.State.Epoch} epochs, epoch {trained.Epoch} was the best; its weights are taken.");
        }

        progress?.Enter(TrainingStage.Evaluating);
        progress?.Say("Calibrating and evaluating the weights as they are stored");
        return await Task.Run(() => Finish(request, trained, split, device, cancellation), cancellation);
    }

    private static async Task<TrainingOutcome> Finish(
        TrainingRequest request, TrainedModel trained, TrainingSplit split, ComputeDevice device, CancellationToken cancellation)
    {
        var delivery = new ModelDelivery
        {
            Folder = request.ModelFolder,
            Name = request.Name,
            Version = request.Version,
            Half = request.Half,
            Device = device,
            OnVotes = request.Options.Labels == LabelSource.Votes,
        };
        var outcome = await delivery.WriteAsync(
            trained.Model,
            trained.Preprocessor,
            ModelEvaluation.Predict(trained.Model, trained.Preprocessor, split.Validation, flip: false),
            split.Validation,
            trained.State.History,
            (shipped, evaluations) => TrainingFacts.For(request, trained, shipped, split, evaluations),
            cancellation);
        await RunProvenance.WriteAsync(
            request.RunFolder,
            new ModelProvenance(split.Train.Sha256, request.GitCommit, TrainingFacts.Name(request.Options.InitFrom), request.Command, RunId: null),
            cancellation);
        return outcome;
    }

    // One line of JSON for each finished epoch, beside the checkpoint; what is on the screen goes to the listener.
    private sealed class Reporter(string folder, ITrainingListener? listener) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Validation is { } record)
            {
                File.AppendAllText(Path.Combine(folder, LogFileName), EpochLog.Line(record));
            }

            if (value.Warning is { } warning)
            {
                listener?.Say(warning);
            }

            listener?.Advance(value);
        }
    }
}

/// <summary>Hears how a run goes.</summary>
public interface ITrainingListener
{
    void Say(string sentence);

    void Advance(TrainingProgress progress);

    /// <summary>The run enters its next stage; each comes once, in order.</summary>
    void Enter(TrainingStage stage)
    {
    }
}

/// <summary>What a run is busy with.</summary>
public enum TrainingStage
{
    /// <summary>Fetching models, reading and cleaning the data.</summary>
    Preparing = 0,

    /// <summary>The epochs, each evaluated as it ends.</summary>
    Training = 1,

    /// <summary>Calibrating, writing and evaluating the model folder.</summary>
    Evaluating = 2,
}

/// <param name="ModelFolder">What was written.</param>
/// <param name="Plain">One look at each image; what metrics.json holds.</param>
/// <param name="Flip">The image and its mirror image, averaged.</param>
public sealed record TrainingOutcome(string ModelFolder, EvaluationReport Plain, EvaluationReport Flip);
