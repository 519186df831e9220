using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Drift;
using FerActors.Inference.Serving;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;
using FerActors.Vision.Imaging;

namespace FerActors.Inference.Pipeline;

/// <summary>
/// The pipeline's entrance and the owner of every image in it: refuses what its header betrays, sends the others through alignment
/// and classification, and answers each exactly once.
/// </summary>
public sealed class ImageIngressActor : ReceiveActor
{
    private readonly IngressSettings _settings;
    private readonly IActorRef _batcher;
    private readonly TimeProvider _time;
    private readonly WorkerPool<DeliveryKey> _pool;
    private readonly IActorRef[] _workers;
    private readonly Dictionary<DeliveryKey, ImageInFlight> _images = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly PipelineCounters _counters = new();

    /// <param name="settings">Limits, workers and this node's name.</param>
    /// <param name="worker">Makes an alignment worker.</param>
    /// <param name="batcher">The batching actor.</param>
    /// <param name="time">The clock.</param>
    public ImageIngressActor(IngressSettings settings, Props worker, IActorRef batcher, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        _batcher = batcher;
        _time = time;
        _pool = new WorkerPool<DeliveryKey>(settings.Workers, settings.MaxQueueSize);
        _workers = Enumerable.Range(0, settings.Workers).Select(i => Context.ActorOf(worker, $"alignment-worker-{i}")).ToArray();
        Receive<ClassifyImage>(Accept);
        Receive<ImageAligned>(aligned => Continue(aligned.Key, image => Classify(image, aligned)));
        Receive<ImageRefused>(refused => Continue(refused.Key, image => Fail(image, new ErrorDetail(refused.Code, refused.Message))));
        Receive<FacesClassified>(classified => Finish(classified.Key, image => Answer(image, classified)));
        Receive<FacesRefused>(refused => Finish(refused.Key, image => Fail(image, new ErrorDetail(refused.Code, refused.Message))));
        Receive<GetPipelineStatistics>(_ => Sender.Tell(_counters.Read(_images.Count, _pool.Waiting)));
    }

    // Nobody else remembers these images: without an answer now they would never get one.
    protected override void PreRestart(Exception reason, object message)
    {
        foreach (var image in _images.Values.ToList())
        {
            Fail(image, InternalDetail);
        }

        base.PreRestart(reason, message);
    }

    private void Accept(ClassifyImage request)
    {
        var image = new ImageInFlight(request, Sender);
        if (_images.ContainsKey(request.Key))
        {
            _log.Error("The delivery {Delivery} was handed in twice; the second is passed over", request.Key);
            return;
        }

        _images.Add(request.Key, image);
        if (Refusal(request) is { } refusal)
        {
            Fail(image, refusal);
        }
        else if (!_pool.TryAdmit(request.Key, out var worker))
        {
            Fail(image, new ErrorDetail(ErrorCodes.Overloaded, $"{_pool.Waiting} images wait on this node already; try again later."));
        }
        else if (worker >= 0)
        {
            Start(worker, image);
        }
    }

    // What can be said without a worker, so that a bad message costs next to nothing.
    private ErrorDetail? Refusal(ClassifyImage request) =>
        Expired(request) ? ExpiredDetail : _settings.Limits.Refusal(request.Body.Span);

    private void Start(int worker, ImageInFlight image)
    {
        image.Worker = worker;
        image.Started = _time.GetUtcNow();
        _workers[worker].Tell(new AlignImage(image.Request.Key, image.Request.Body, image.Request.Request));
    }

    // The worker is free again; whatever waits starts, unless it has expired while waiting.
    private void Continue(DeliveryKey key, Action<ImageInFlight> next)
    {
        if (!_images.TryGetValue(key, out var image))
        {
            return;
        }

        var worker = image.Worker;
        next(image);
        while (_pool.TryContinue(worker, out var waiting))
        {
            var following = _images[waiting];
            if (!Expired(following.Request))
            {
                Start(worker, following);
                return;
            }

            Fail(following, ExpiredDetail);

            // The worker is still without an image: ask the pool again.
        }
    }

    private void Classify(ImageInFlight image, ImageAligned aligned)
    {
        image.Aligned = aligned;
        if (aligned.Faces.Count == 0)
        {
            Reply(image, ResultBuilder.WithoutFaces(image, aligned, _settings.Node, _time.GetUtcNow()));
            return;
        }

        if (Expired(image.Request))
        {
            Fail(image, ExpiredDetail);
            return;
        }

        _batcher.Tell(new ClassifyFaces(aligned.Key, aligned.Faces.Select(f => f.Crop).ToList(), image.Request.Alone, MessageDraw.Of(image.Request.MessageId)));
    }

    private void Finish(DeliveryKey key, Action<ImageInFlight> finish)
    {
        if (_images.TryGetValue(key, out var image))
        {
            finish(image);
        }
    }

    private void Answer(ImageInFlight image, FacesClassified classified)
    {
        var result = ResultBuilder.WithFaces(image, image.Aligned!, classified, _settings.Node, _time.GetUtcNow());
        Reply(image, result);
        Context.System.EventStream.Publish(new ImageAnswered(image.Request.Body, result));
        Context.System.EventStream.Publish(
            new FacesAnswered(classified.Model, [.. image.Aligned!.Faces.Select(face => new AnsweredFace(face.Face, face.Crop))], classified.Predictions, image.Request.Request.Aligned));
    }

    private void Fail(ImageInFlight image, ErrorDetail error) =>
        Reply(image, ResultBuilder.Failed(image, error, _settings.Node, _time.GetUtcNow()));

    private void Reply(ImageInFlight image, ClassificationResult result)
    {
        _images.Remove(image.Request.Key);
        _counters.Count(result);
        FerMetrics.Answered(result);
        image.Asker.Tell(new ImageOutcome(image.Request.Key, result));
    }

    private bool Expired(ClassifyImage request) => request.ExpiresAt is { } at && at <= _time.GetUtcNow();

    private static ErrorDetail ExpiredDetail { get; } =
        new(ErrorCodes.Expired, "The message's deadline passed before its image could be processed.");

    private static ErrorDetail InternalDetail { get; } = new(ErrorCodes.Internal, "The image could not be processed.");
}

/// <param name="Node">This node's name, for the results.</param>
/// <param name="Workers">Alignment workers.</param>
/// <param name="MaxQueueSize">Images that may wait for one.</param>
/// <param name="Limits">Limits on the encoded image.</param>
public sealed record IngressSettings(string Node, int Workers, int MaxQueueSize, ImageLimits Limits);

public static class ImageIngressHosting
{
    /// <summary>Adds the pipeline's entrance and its alignment workers; needs the batching actor.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="settings">Limits, workers and this node's name.</param>
    /// <param name="extractor">Makes a worker's extractor; called on the worker's thread.</param>
    public static AkkaConfigurationBuilder AddImageIngress(
        this AkkaConfigurationBuilder builder, IngressSettings settings, Func<FaceExtractor> extractor) =>
        builder.WithActors((system, registry) => registry.Register<ImageIngress>(system.ActorOf(
            Props.Create(() => new ImageIngressActor(
                settings,
                Props.Create(() => new AlignmentWorkerActor(extractor)),
                registry.Get<FaceBatcher>(),
                TimeProvider.System)),
            "image-ingress")));
}
