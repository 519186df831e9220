using System.Text.Json;
using FerActors.Training.Runs;

namespace FerActors.Training.Tracking;

/// <summary>A training run that trackers follow from its options to its end, however it ends.</summary>
public static class TrackedTraining
{
    /// <summary>The run folder's folder of TensorBoard files.</summary>
    public const string TensorBoardFolderName = "tensorboard";

    private static readonly string[] Artifacts = ["config.json", "metrics.json", "README.md"];

    /// <summary>TensorBoard always; MLflow where <c>MLFLOW_TRACKING_URI</c> is set.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="say">Told where a tracker's settings cannot be used: that, too, does not stop a run.</param>
    public static IReadOnlyList<IRunTracker> FromEnvironment(string runFolder, Action<string> say)
    {
        ArgumentNullException.ThrowIfNull(say);
        List<IRunTracker> trackers = [new TensorBoardTracker(Path.Combine(runFolder, TensorBoardFolderName))];
        try
        {
            if (MlflowOptions.FromEnvironment(Environment.GetEnvironmentVariable) is { } options)
            {
                trackers.Add(new MlflowTracker(options));
            }
        }
        catch (FormatException e)
        {
            say($"MLflow does not record this run: {e.Message}");
        }

        return trackers;
    }

    /// <summary>As <see cref="TrainingJob.RunAsync"/>, with trackers.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="listener">Told what happens, and what trackers have to say.</param>
    /// <param name="trackers">Owned by the run.</param>
    /// <param name="tags">Besides the name, version and commit.</param>
    /// <param name="cancellation">Stops at the next batch.</param>
    public static async Task<TrainingOutcome> RunAsync(
        TrainingRequest request,
        ITrainingListener? listener,
        IReadOnlyList<IRunTracker> trackers,
        IReadOnlyList<KeyValuePair<string, string>>? tags = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var tracking = new TrackingListener(trackers, listener);
        await using (tracking.ConfigureAwait(false))
        {
            tracking.Start(Describe(request, tags ?? []));
            var status = RunStatus.Failed;
            try
            {
                var outcome = await TrainingJob.RunAsync(request, tracking, cancellation).ConfigureAwait(false);
                LogOutcome(request, tracking, outcome);
                status = RunStatus.Finished;
                return outcome;
            }
            catch (OperationCanceledException)
            {
                status = RunStatus.Killed;
                throw;
            }
            finally
            {
                tracking.End(status);
            }
        }
    }

    private static void LogOutcome(TrainingRequest request, TrackingListener tracking, TrainingOutcome outcome)
    {
        foreach (var (view, report) in new[] { ("plain", outcome.Plain), ("flip", outcome.Flip) })
        {
            tracking.Log($"final/{view}/accuracy", report.Metrics.Accuracy, 0);
            tracking.Log($"final/{view}/macro_f1", report.Metrics.MacroF1, 0);
            tracking.Log($"final/{view}/balanced_accuracy", report.Metrics.BalancedAccuracy, 0);
            tracking.Log($"final/{view}/ece", report.Metrics.Ece, 0);
            if (report.Votes?.Majority is { } majority)
            {
                tracking.Log($"final/{view}/agreement", majority.Accuracy, 0);
            }
        }

        IEnumerable<string> files =
        [
            Path.Combine(request.RunFolder, TrainingJob.OptionsFileName),
            Path.Combine(request.RunFolder, TrainingJob.LogFileName),
            .. Artifacts.Select(name => Path.Combine(outcome.ModelFolder, name)),
        ];
        foreach (var file in files.Where(File.Exists))
        {
            tracking.Artifact(file, Path.GetFileName(file));
        }
    }

    private static TrackedRun Describe(TrainingRequest request, IReadOnlyList<KeyValuePair<string, string>> tags)
    {
        var name = request.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(request.ModelFolder));
        using var options = JsonDocument.Parse(request.Options.ToJson());
        List<KeyValuePair<string, string>> all = [new("fer.version", request.Version), new("fer.device", request.Device), new("mlflow.source.name", request.Command), .. tags];
        if (request.GitCommit is { } commit)
        {
            all.Add(new("mlflow.source.git.commit", commit));
        }

        return new TrackedRun(name, request.RunFolder, [.. Flatten("", options.RootElement)], all);
    }

    private static IEnumerable<KeyValuePair<string, string>> Flatten(string prefix, JsonElement element) =>
        element.EnumerateObject().SelectMany(property => property.Value.ValueKind == JsonValueKind.Object
            ? Flatten($"{prefix}{property.Name}.", property.Value)
            : [new KeyValuePair<string, string>(prefix + property.Name, property.Value.ToString())]);
}
