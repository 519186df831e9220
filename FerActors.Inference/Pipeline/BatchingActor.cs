using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Models;
using FerActors.Inference.Serving;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Shared.Registry;
using FerActors.Shared.Telemetry;

namespace FerActors.Inference.Pipeline;

/// <summary>Key of the batching actor in the actor registry.</summary>
public sealed class FaceBatcher;

/// <summary>
/// Gathers faces of many images into batches for the model, and gives each image its answer once its last face is classified.
/// </summary>
public sealed class BatchingActor : ReceiveActor, IWithTimers
{
    // Of all incarnations: after a restart the model may still answer the batch of the one before.
    private static long _lastNumber;

    private readonly BatchingOptions _options;
    private readonly IActorRef _model;
    private readonly TimeProvider _time;
    private readonly DateTimeOffset _startedAt;
    private readonly long _startedStamp;
    private readonly BatchQueue<DeliveryKey> _champion;
    private readonly BatchQueue<DeliveryKey> _canary;
    private readonly Dictionary<DeliveryKey, PendingImage> _images = [];
    private readonly SortedDictionary<int, long> _sizes = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<long, RunningBatch> _running = [];
    private double _canaryShare;
    private int _places = 1;
    private long _batches;
    private long _faces;
    private long _refused;

    /// <param name="options">How batches form.</param>
    /// <param name="model">Runs as many batches at a time as it says.</param>
    /// <param name="time">The clock.</param>
    public BatchingActor(BatchingOptions options, IActorRef model, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _model = model;
        _time = time;
        _startedAt = time.GetUtcNow();
        _startedStamp = time.GetTimestamp();
        _champion = new BatchQueue<DeliveryKey>(options);
        _canary = new BatchQueue<DeliveryKey>(options);
        Receive<ClassifyFaces>(Enqueue);
        Receive<BatchClassified>(done => Finish(done.Batch, batch => Spread(batch, done)));
        Receive<BatchFailed>(failed => Finish(failed.Batch, batch => Split(batch, failed.Cause)));
        Receive<Due>(_ => Pump());
        Receive<TrafficSplit>(split =>
        {
            (_canaryShare, _places) = (split.CanaryShare, split.Batches);
            Pump();
        });
        Receive<ModelHostStarted>(_ => _model.Tell(SubscribeTraffic.Instance));
        Receive<GetBatchingStatistics>(_ => Sender.Tell(
            new BatchingStatistics(_faces, _batches, new SortedDictionary<int, long>(_sizes), _refused, Waiting, RunningFor)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private int Waiting => _champion.Count + _canary.Count;

    private TimeSpan? RunningFor => _running.Count == 0 ? null : Now() - _running.Values.Min(batch => batch.Started);

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(ModelHostStarted));
        _model.Tell(SubscribeTraffic.Instance);
    }

    // Nobody else remembers these images: without an answer now they would never get one.
    protected override void PreRestart(Exception reason, object message)
    {
        foreach (var key in _images.Keys.ToList())
        {
            Refuse(key, ErrorCodes.Internal, "The image could not be processed.");
        }

        base.PreRestart(reason, message);
    }

    // Waiting is measured with the monotonic clock: a step of the wall clock must neither expire all images nor stall a batch.
    private DateTimeOffset Now() => _startedAt + _time.GetElapsedTime(_startedStamp);

    private void Enqueue(ClassifyFaces request)
    {
        var now = Now();
        var slot = request.Draw < _canaryShare ? ModelSlot.Canary : ModelSlot.Champion;
        if (Waiting >= _options.MaxQueueSize || !Queue(slot).TryEnqueue(request.Key, request.Crops.Count, request.Alone, now))
        {
            _refused++;
            Sender.Tell(new FacesRefused(request.Key, ErrorCodes.Overloaded, $"{Waiting} faces wait for the model already; try again later."));
            return;
        }

        _images[request.Key] = new PendingImage(request, Sender);
        Pump();
    }

    // Sends batches while an instance is free and one is due; else makes sure to be woken when one is.
    private void Pump()
    {
        var now = Now();
        Expire(now);
        while (_running.Count < _places && TryTake(now) is var (slot, faces))
        {
            Timers.Cancel(Due.BatchTimer);
            var batch = new RunningBatch(Interlocked.Increment(ref _lastNumber), slot, faces, now);
            _running[batch.Number] = batch;
            _batches++;
            _sizes[faces.Count] = _sizes.GetValueOrDefault(faces.Count) + 1;
            _model.Tell(new RunBatch(batch.Number, faces.Select(f => _images[f.Image].Request.Crops[f.Face]).ToList(), slot)
            {
                Waiting = Waiting,
            });
        }

        if (_running.Count < _places)
        {
            Wake(Due.BatchTimer, Sooner(_champion.UntilDue(now), _canary.UntilDue(now)));
        }

        // While the model is busy nothing else would tell the images that have waited for too long.
        Wake(Due.ExpiryTimer, Sooner(_champion.UntilExpired(now), _canary.UntilExpired(now)));
    }

    // One batch, one version: each slot has a queue of its own. The one that has waited longer goes first, so that neither starves.
    private (ModelSlot Slot, IReadOnlyList<WaitingFace<DeliveryKey>> Faces)? TryTake(DateTimeOffset now)
    {
        var canaryFirst = (_canary.UntilDue(now) ?? TimeSpan.MaxValue) < (_champion.UntilDue(now) ?? TimeSpan.MaxValue);
        ModelSlot[] order = canaryFirst ? [ModelSlot.Canary, ModelSlot.Champion] : [ModelSlot.Champion, ModelSlot.Canary];
        foreach (var slot in order)
        {
            if (Queue(slot).TryTake(now) is { } faces)
            {
                return (slot, faces);
            }
        }

        return null;
    }

    private BatchQueue<DeliveryKey> Queue(ModelSlot slot) => slot == ModelSlot.Canary ? _canary : _champion;

    private static TimeSpan? Sooner(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other ?? one : one;

    // The moment only ever moves away, so that a timer that runs already is early at worst, and is then set again.
    private void Wake(string timer, TimeSpan? wait)
    {
        if (wait is { } delay && !Timers.IsTimerActive(timer))
        {
            Timers.StartSingleTimer(timer, Due.Instance, delay);
        }
    }

    private void Expire(DateTimeOffset now)
    {
        foreach (var key in _champion.TakeExpired(now).Concat(_canary.TakeExpired(now)).ToList())
        {
            Refuse(key, ErrorCodes.Expired, $"The image waited longer than {_options.QueueTimeout.TotalSeconds:0.###} s for the model.");
        }
    }

    private void Finish(long number, Action<RunningBatch> handle)
    {
        if (!_running.Remove(number, out var batch))
        {
            return;
        }

        handle(batch);
        Pump();
    }

    private void Spread(RunningBatch batch, BatchClassified done)
    {
        _faces += batch.Faces.Count;
        FerMetrics.BatchEnded(batch.Faces.Count, done.InferMs, done.Model.Version);
        var moved = new HashSet<DeliveryKey>();
        for (var i = 0; i < batch.Faces.Count; i++)
        {
            var face = batch.Faces[i];

            // An image may have been refused since, for a face of it in another batch.
            if (moved.Contains(face.Image) || !_images.TryGetValue(face.Image, out var image))
            {
                continue;
            }

            // A result names one version. Where two versions answered parts of an image, a swap came between its batches, or the
            // champion stood in for the canary: its faces go again, and to the champion, which cannot alternate with itself.
            if (image.Contradicts(done.Model))
            {
                Forget(face.Image);
                _champion.Requeue(image.Restart(face.Since));
                moved.Add(face.Image);
                continue;
            }

            if (image.Set(face, done.Predictions[i], batch.Started, done))
            {
                _images.Remove(face.Image);
                if (image.WentAgain)
                {
                    // A face that goes again may wait although its first pass has answered it since.
                    Forget(face.Image);
                }

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
            Forget(images[0]);
            return;
        }

        _log.Warning(cause, "A batch of {Images} images failed; they are tried one by one", images.Count);

        // Without those that were refused meanwhile, for faces of theirs that waited for too long.
        Queue(batch.Slot).Requeue(batch.Faces.Where(f => _images.ContainsKey(f.Image)).ToList());
        Timers.Cancel(Due.ExpiryTimer);
    }

    // What waits of an image; it may have begun as the canary's and gone on as the champion's.
    private void Forget(DeliveryKey key)
    {
        var image = new HashSet<DeliveryKey> { key };
        _champion.Remove(image);
        _canary.Remove(image);
    }

    private void Refuse(DeliveryKey key, string code, string message)
    {
        if (_images.Remove(key, out var image))
        {
            _refused++;
            image.Asker.Tell(new FacesRefused(key, code, message));
        }
    }

    private sealed record RunningBatch(long Number, ModelSlot Slot, IReadOnlyList<WaitingFace<DeliveryKey>> Faces, DateTimeOffset Started);

    private sealed class PendingImage(ClassifyFaces request, IActorRef asker)
    {
        private readonly FacePrediction?[] _predictions = new FacePrediction?[request.Crops.Count];
        private int _missing = request.Crops.Count;
        private double _queueMs;
        private double _inferMs;
        private ModelIdentity? _model;

        public ClassifyFaces Request => request;

        public IActorRef Asker => asker;

        public bool WentAgain { get; private set; }

        public bool Contradicts(ModelIdentity model) => _model is not null && _model != model;

        // Forgets what was said of its faces, and gives all of them.
        public IReadOnlyList<WaitingFace<DeliveryKey>> Restart(DateTimeOffset since)
        {
            WentAgain = true;
            Array.Clear(_predictions);
            _missing = request.Crops.Count;
            _model = null;
            return [.. Enumerable.Range(0, request.Crops.Count).Select(f => new WaitingFace<DeliveryKey>(request.Key, f, true, since))];
        }

        // True with the last of the image's faces.
        public bool Set(WaitingFace<DeliveryKey> face, FacePrediction prediction, DateTimeOffset started, BatchClassified done)
        {
            // A face that went again may have been under way on another instance.
            if (_predictions[face.Face] is not null)
            {
                return false;
            }

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
        public const string BatchTimer = "batch";
        public const string ExpiryTimer = "expiry";

        public static Due Instance { get; } = new();
    }
}

public static class BatchingActorHosting
{
    /// <summary>Adds the batching actor; needs the model host.</summary>
    public static AkkaConfigurationBuilder AddFaceBatcher(this AkkaConfigurationBuilder builder, BatchingOptions options) =>
        builder.WithActors((system, registry) => registry.Register<FaceBatcher>(system.ActorOf(
            Props.Create(() => new BatchingActor(options, registry.Get<ModelHost>(), TimeProvider.System)),
            "face-batcher")));
}
