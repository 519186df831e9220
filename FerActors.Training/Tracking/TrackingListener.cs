using FerActors.Training.Engine;
using FerActors.Training.Runs;

namespace FerActors.Training.Tracking;

/// <summary>Hears how a run goes and passes it on to the trackers, and to another listener as it is.</summary>
public sealed class TrackingListener : ITrainingListener, IAsyncDisposable
{
    // The end of a run does not wait longer than this for a server that is away.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ITrainingListener? _inner;
    private readonly List<TrackerQueue> _queues;
    private readonly TimeProvider _time;

    /// <param name="trackers">Owned from here on.</param>
    /// <param name="inner">Told everything too, and what the trackers have to say.</param>
    /// <param name="time">Stamps the metrics.</param>
    public TrackingListener(IEnumerable<IRunTracker> trackers, ITrainingListener? inner, TimeProvider? time = null)
    {
        _inner = inner;
        _time = time ?? TimeProvider.System;
        _queues = [.. trackers.Select(tracker => new TrackerQueue(tracker, sentence => _inner?.Say(sentence), Patience))];
    }

    public void Start(TrackedRun run) => _queues.ForEach(queue => queue.Start(run));

    public void Say(string sentence) => _inner?.Say(sentence);

    public void Advance(TrainingProgress progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (progress.Validation is { } record)
        {
            Log("train/epoch_loss", record.TrainLoss, record.Step);
            Log("validation/accuracy", record.Accuracy, record.Step);
            Log("validation/macro_f1", record.MacroF1, record.Step);
            Log("validation/loss", record.ValidationLoss, record.Step);
            if (record.Agreement is { } agreement)
            {
                Log("validation/agreement", agreement, record.Step);
            }

            Log("epoch", record.Epoch, record.Step);
        }
        else if (progress.Warning is null)
        {
            Log("train/loss", progress.Loss, progress.Step);
            Log("train/learning_rate", progress.LearningRate, progress.Step);
            Log("train/images_per_second", progress.ImagesPerSecond, progress.Step);
        }

        _inner?.Advance(progress);
    }

    public void Enter(TrainingStage stage) => _inner?.Enter(stage);

    public void Artifact(string path, string name) => _queues.ForEach(queue => queue.Artifact(path, name));

    public void End(RunStatus status) => _queues.ForEach(queue => queue.End(status));

    public async ValueTask DisposeAsync() => await Task.WhenAll(_queues.Select(queue => queue.DisposeAsync().AsTask())).ConfigureAwait(false);

    internal void Log(string key, double value, long step)
    {
        var metric = new TrackedMetric(key, value, step, _time.GetUtcNow());
        _queues.ForEach(queue => queue.Log(metric));
    }
}
