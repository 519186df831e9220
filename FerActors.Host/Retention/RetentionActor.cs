using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Retention;
using FerActors.Shared.Telemetry;

namespace FerActors.Host.Retention;

/// <summary>Key of <see cref="RetentionActor"/> in the actor registry.</summary>
public sealed class ImageRetention;

/// <summary>
/// Keeps images that were answered, and deletes them when their time is over. It never slows an answer: what comes while too many
/// wait for the disk is not kept.
/// </summary>
public sealed class RetentionActor : ReceiveActor, IWithTimers
{
    // Images that wait for the disk; each may have several megabytes.
    private const int MaxWaiting = 32;

    private static readonly TimeSpan MostBetweenSweeps = TimeSpan.FromHours(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RetentionOptions _options;
    private readonly RetainedImages _images;
    private readonly TimeProvider _clock;
    private readonly Queue<RetainedImage> _waiting = [];
    private bool _busy;
    private bool _sweepDue = true;
    private bool _dropping;

    /// <param name="options">Validated options.</param>
    /// <param name="clock">The time.</param>
    public RetentionActor(RetentionOptions options, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _images = new RetainedImages(options);
        _clock = clock;
        Receive<ImageAnswered>(OnAnswered);
        Receive<Done>(OnDone);
        Receive<SweepDue>(_ =>
        {
            _sweepDue = true;
            Pump();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(ImageAnswered));
        var every = _options.KeepFor / 10;
        Timers.StartPeriodicTimer(nameof(SweepDue), SweepDue.Instance, every < MostBetweenSweeps ? every : MostBetweenSweeps);
        _log.Warning(
            "Images are kept in {Folder} for {KeepFor}, {Sealed}", _options.Folder, _options.KeepFor, _images.Encrypts ? "encrypted" : "NOT encrypted");
        Pump();
    }

    private void OnAnswered(ImageAnswered answered)
    {
        if (answered.Result is not { Model: { } model, Faces.Count: > 0 } || !RetainedName.IsKept(answered.Result.MessageId, _options.Share))
        {
            return;
        }

        if (_waiting.Count == MaxWaiting)
        {
            FerMetrics.ImageRetained("dropped");
            if (!_dropping)
            {
                _log.Warning("The disk does not keep up: some images are not kept");
            }

            _dropping = true;
            return;
        }

        _waiting.Enqueue(new RetainedImage(answered.Result.MessageId, model.Version, _clock.GetUtcNow(), answered.Image));
        Pump();
    }

    private void Pump()
    {
        if (_busy || (_waiting.Count == 0 && !_sweepDue))
        {
            return;
        }

        _busy = true;
        var (images, now, sweep, image) = (_images, _clock.GetUtcNow(), _sweepDue, _waiting.Count > 0 ? _waiting.Dequeue() : null);
        _sweepDue = false;
        Task.Run(() =>
        {
            var deleted = sweep ? images.Sweep(now) : 0;
            if (image is not null)
            {
                images.Write(image);
            }

            return deleted;
        }).PipeTo(Self, success: deleted => new Done(image is not null, deleted, null), failure: cause => new Done(false, 0, cause));
    }

    private void OnDone(Done message)
    {
        _busy = false;
        _dropping &= _waiting.Count > 0;
        if (message.Wrote)
        {
            FerMetrics.ImageRetained("kept");
        }

        if (message.Deleted > 0)
        {
            FerMetrics.ImageRetained("deleted", message.Deleted);
            _log.Info("{Count} kept images were deleted, since they are older than {KeepFor} or too many", message.Deleted, _options.KeepFor);
        }

        if (message.Cause is not null)
        {
            FerMetrics.ImageRetained("failed");
            _log.Error("An image could not be kept, or an old one not be deleted, in {Folder}: {Reason}", _options.Folder, message.Cause.GetBaseException().Message);
        }

        Pump();
    }

    private sealed record Done(bool Wrote, int Deleted, Exception? Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    /// <summary>Time to look for images that are too old.</summary>
    internal sealed class SweepDue : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private SweepDue()
        {
        }

        public static SweepDue Instance { get; } = new();
    }
}

public static class RetentionHosting
{
    /// <summary>Adds the actor that keeps images, where the options say so; else nothing ever writes one.</summary>
    public static AkkaConfigurationBuilder AddImageRetention(this AkkaConfigurationBuilder builder, RetentionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Enabled
            ? builder.WithActors((system, registry) => registry.Register<ImageRetention>(
                system.ActorOf(Props.Create(() => new RetentionActor(options, TimeProvider.System)), "image-retention")))
            : builder;
    }
}
