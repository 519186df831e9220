using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Batching;

/// <summary>Key of the batching actor in the actor registry.</summary>
public sealed class FaceBatcher;

/// <summary>
/// Gathers faces of many images into batches for the model, and gives each image its answer once its last face is classified.
/// </summary>
public sealed class BatchingActor : ReceiveActor, IWithTimers
{
    private readonly BatchingOptions _options;
    private readonly IActorRef _model;
    private readonly TimeProvider _time;
    private readonly BatchQueue<DeliveryKey> _queue;
    private readonly Dictionary<DeliveryKey, PendingImage> _images = [];
    private readonly SortedDictionary<int, long> _sizes = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private RunningBatch? _running;
    private long _batches;
    private long _faces;
    private long _refused;

    /// <param name="options">How batches form.</param>
    /// <param name="model">Runs one batch at a time.</param>
    /// <param name="time">The clock.</param>
    public BatchingActor(BatchingOptions options, IActorRef model, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _model = model;
        _time = time;
        _queue = new BatchQueue<DeliveryKey>(options);
        Receive<ClassifyFaces>(Enqueue);
        Receive<BatchClassified>(done => Finish(done.Batch, batch => Spread(batch, done)));
        Receive<BatchFailed>(failed => Finish(failed.Batch, batch => Split(batch, failed.Cause)));
        Receive<Due>(_ => Pump());
        Receive<GetBatchingStatistics>(_ => Sender.Tell(
            new BatchingStatistics(_faces, _batches, new SortedDictionary<int, long>(_sizes), _refused, _queue.Count)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private void Enqueue(ClassifyFaces request)
    {
        var now = _time.GetUtcNow();
        if (!_queue.TryEnqueue(request.Key, request.Crops.Count, request.Alone, now))
        {
            _refused++;
            Sender.Tell(new FacesRefused(request.Key, ErrorCodes.Overloaded, $"{_queue.Count} faces wait for the model already; try again later."));
            return;
        }

        _images[request.Key] = new PendingImage(request, Sender);
        Pump();
    }

    // Sends the next batch where the model is free and one is due; else makes sure to be woken when one is.
    private void Pump()
    {
        var now = _time.GetUtcNow();
        Expire(now);
        if (_running is not null)
        {
            return;
        }

        if (_queue.TryTake(now) is { } faces)
        {
            Timers.Cancel(Due.Key);
            _running = new RunningBatch(++_batches, faces, now);
            _sizes[faces.Count] = _sizes.GetValueOrDefault(faces.Count) + 1;
            _model.Tell(new RunBatch(_running.Number, faces.Select(f => _images[f.Image].Request.Crops[f.Face]).ToList()));
        }
        else if (_queue.UntilDue(now) is { } wait)
        {
            Timers.StartSingleTimer(Due.Key, Due.Instance, wait);
        }
    }

    private void Expire(DateTimeOffset now)
    {
        foreach (var key in _queue.TakeExpired(now))
        {
            Refuse(key, ErrorCodes.Expired, $"The image waited longer than {_options.QueueTimeout.TotalSeconds:0.###} s for the model.");
        }
    }

    private void Finish(long number, Action<RunningBatch> handle)
    {
        if (_running is not { } batch || batch.Number != number)
        {
            return;
        }

        _running = null;
        handle(batch);
        Pump();
    }

    private void Spread(RunningBatch batch, BatchClassified done)
    {
        _faces += batch.Faces.Count;
        for (var i = 0; i < batch.Faces.Count; i++)
        {
            var face = batch.Faces[i];

            // An image may have been refused since, for a face of it in another batch.
            if (_images.TryGetValue(face.Image, out var image) && image.Set(face, done.Predictions[i], batch.Started, done))
            {
                _images.Remove(face.Image);
                image.Asker.Tell(image.Answer());
            }
        }
    }

    // A batch that fails says nothing about whose fault it is: its images are tried again one by one, and the one that fails alone
    // gets the error. A forward pass is deterministic and cheap compared with refusing thirty innocent images.
    private void Split(RunningBatch batch, Exception cause)
    {
        var images = batch.Faces.Select(f => f.Image).Distinct().ToList();
        if (images.Count == 1)
        {
            _log.Error(cause, "The model failed on an image by itself");
            Refuse(images[0], ErrorCodes.ModelFailure, "The model could not classify this image.");
            _queue.Remove(images.ToHashSet());
            return;
        }

        _log.Warning(cause, "A batch of {Images} images failed; they are tried one by one", images.Count);
        _queue.Requeue(batch.Faces);
    }

    private void Refuse(DeliveryKey key, string code, string message)
    {
        if (_images.Remove(key, out var image))
        {
            _refused++;
            image.Asker.Tell(new FacesRefused(key, code, message));
        }
    }

    private sealed record RunningBatch(long Number, IReadOnlyList<WaitingFace<DeliveryKey>> Faces, DateTimeOffset Started);

    private sealed class PendingImage(ClassifyFaces request, IActorRef asker)
    {
        private readonly FacePrediction?[] _predictions = new FacePrediction?[request.Crops.Count];
        private int _missing = request.Crops.Count;
        private double _queueMs;
        private double _inferMs;
        private ModelIdentity? _model;

        public ClassifyFaces Request => request;

        public IActorRef Asker => asker;

        // True with the last of the image's faces.
        public bool Set(WaitingFace<DeliveryKey> face, FacePrediction prediction, DateTimeOffset started, BatchClassified done)
        {
            _predictions[face.Face] = prediction;
            _queueMs = Math.Max(_queueMs, (started - face.Since).TotalMilliseconds);
            _inferMs = Math.Max(_inferMs, done.InferMs);
            _model = done.Model;
            return --_missing == 0;
        }

        public FacesClassified Answer() => new(request.Key, _predictions.Select(p => p!).ToList(), _model!, _queueMs, _inferMs);
    }

    private sealed record Due : INoSerializationVerificationNeeded, IDeadLetterSuppression, INotInfluenceReceiveTimeout
    {
        public const string Key = "due";

        public static Due Instance { get; } = new();
    }
}

public static class BatchingActorHosting
{
    /// <summary>Adds the batching actor; needs the model worker.</summary>
    public static AkkaConfigurationBuilder AddFaceBatcher(this AkkaConfigurationBuilder builder, BatchingOptions options) =>
        builder.WithActors((system, registry) => registry.Register<FaceBatcher>(system.ActorOf(
            Props.Create(() => new BatchingActor(options, registry.Get<ModelWorker>(), TimeProvider.System)),
            "face-batcher")));
}
