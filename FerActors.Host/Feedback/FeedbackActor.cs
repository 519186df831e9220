using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Host.Broker;
using FerActors.Shared.Feedback;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Telemetry;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FerActors.Host.Feedback;

/// <summary>
/// Takes feedback from its queue. Each message ends in one of two ways: on the disk, or in the dead-letter queue with the reason in a
/// header; it is acknowledged after that and not before. Where the disk takes nothing, messages wait unacknowledged.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "An actor disposes in PostStop.")]
public sealed class FeedbackActor : ReceiveActor, IWithTimers
{
    /// <summary>The header of a dead letter that says why it is one.</summary>
    public const string ReasonHeader = RabbitTopology.ReasonHeader;

    private const ushort Prefetch = 256;

    // Messages, one at a time, after one that ended the session, before all are taken again.
    private const int CarefulMessages = 16;

    // Versions that a metric names; a stranger may invent any number of them.
    private const int MaxTags = 64;

    private static readonly TimeSpan SweepEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan WriteAgain = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RabbitMqOptions _options;
    private readonly FeedbackOptions _feedback;
    private readonly IRabbitConnector _connector;
    private readonly TimeProvider _clock;
    private readonly FeedbackStore _store;
    private readonly FeedbackState _state;
    private readonly Queue<Pending> _waiting = [];
    private readonly List<Delivered> _early = [];
    private readonly HashSet<string> _tags = new(StringComparer.Ordinal);
    private IActorRef _link = ActorRefs.Nobody;
    private long _session;
    private Session? _open;
    private CancellationTokenSource _sessionEnd = new();
    private readonly StandstillClock _standstill;
    private int _caution;
    private int _unacknowledged;
    private bool _writing;
    private bool _sweepDue = true;
    private long _stored;
    private long _deadLettered;

    /// <param name="options">Validated options of the broker.</param>
    /// <param name="feedback">Validated options.</param>
    /// <param name="connector">Opens the connection.</param>
    /// <param name="clock">The time.</param>
    public FeedbackActor(RabbitMqOptions options, FeedbackOptions feedback, IRabbitConnector connector, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(feedback);
        _options = options;
        _feedback = feedback;
        _connector = connector;
        _clock = clock;
        _standstill = new StandstillClock(clock);
        _store = new FeedbackStore(feedback.Folder);
        _state = new FeedbackState(feedback.Window);

        Receive<Remembered>(OnRemembered);
        Receive<LinkUp>(OnLinkUp);
        Receive<LinkDown>(message => EndSession(message.Epoch, message.End));
        Receive<LinkBlocked>(_ => { });
        Receive<SessionOpened>(OnSessionOpened);
        Receive<SessionFailed>(OnSessionFailed);
        Receive<Delivered>(OnDelivered);
        Receive<Written>(OnWritten);
        Receive<NotWritten>(OnNotWritten);
        Receive<WriteDue>(message => Write(message.Batch));
        Receive<DeadLettered>(message =>
        {
            _deadLettered++;
            FerMetrics.FeedbackTaken("dead_lettered", "");
            Acknowledge(message.Session, message.Tag);
        });
        Receive<SweepDue>(_ =>
        {
            _sweepDue = true;
            Pump();
        });
        Receive<GetFeedbackStatus>(_ => Sender.Tell(new FeedbackStatus(_open is not null, _stored, _deadLettered, _state.Versions, _standstill.Standing)));
        Receive<Acknowledged>(message =>
        {
            if (message.Session == _session)
            {
                OnAcknowledged();
            }
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var store = _store;
        var most = _feedback.Window * FeedbackState.MaxVersions;
        Task.Run(() => store.ReadLatest(most)).PipeTo(
            Self, success: records => new Remembered(records, null), failure: cause => new Remembered([], cause));
        Timers.StartPeriodicTimer(nameof(SweepDue), SweepDue.Instance, SweepEvery);
    }

    protected override void PostStop()
    {
        _sessionEnd.Cancel();
        _sessionEnd.Dispose();
    }

    private void OnRemembered(Remembered message)
    {
        if (message.Cause is not null)
        {
            _log.Warning("Cannot read earlier feedback in {Folder}; the accuracy in production starts at zero: {Reason}", _feedback.Folder, message.Cause.Message);
        }

        foreach (var record in message.Records)
        {
            _state.Take(record.Feedback);
        }

        foreach (var version in _state.Versions)
        {
            Show(version);
        }

        var (options, connector) = (_options, _connector);
        _link = Context.ActorOf(
            Props.Create(() => new RabbitLinkActor(
                connector, new BackoffPolicy(options.ReconnectMinBackoff, options.ReconnectMaxBackoff), "feedback", options.RedactedUri)),
            "link");
        Pump();
    }

    private void OnLinkUp(LinkUp message)
    {
        _session = message.Epoch;
        _sessionEnd.Dispose();
        _sessionEnd = new CancellationTokenSource();
        var epoch = _session;
        var prefetch = _caution > 0 ? (ushort)1 : Prefetch;
        OpenAsync(message.Connection, epoch, prefetch, Self, _sessionEnd.Token).PipeTo(
            Self,
            success: session => new SessionOpened(epoch, session),
            failure: cause => new SessionFailed(epoch, Sound(cause.Message), cause is TopologyMismatchException));
    }

    private static SessionEnd Sound(string reason) => new(reason, Unreadable: false);

    private Task<Session> OpenAsync(IConnection connection, long epoch, ushort prefetch, IActorRef self, CancellationToken ended) => RabbitChannels.OpenAsync(
        _options.ConnectTimeout,
        $"The broker did not open channels and declare the queue of feedback within {_options.ConnectTimeout}.",
        async bounded =>
        {
            var publishing = await ConfirmingChannel.OpenAsync(connection, bounded).ConfigureAwait(false);
            var consuming = await connection.CreateChannelAsync(cancellationToken: bounded).ConfigureAwait(false);
            foreach (var channel in new[] { publishing.Channel, consuming })
            {
                channel.WhenShut(end => self.Tell(new SessionFailed(epoch, end, IsMistake: false)));
            }

            if (_options.DeclareTopology)
            {
                await FeedbackTopology.DeclareAsync(consuming, _options, bounded).ConfigureAwait(false);
            }

            var consumer = new AsyncEventingBasicConsumer(consuming);
            consumer.ReceivedAsync += (_, delivery) =>
            {
                // Of a body that is too long as much is kept as helps to find out where it came from.
                var length = delivery.Body.Length;
                var body = delivery.Body[..Math.Min(length, FeedbackFields.MaxBytes)].ToArray();
                self.Tell(new Delivered(epoch, delivery.DeliveryTag, body, length));
                return Task.CompletedTask;
            };
            consumer.UnregisteredAsync += (_, _) =>
            {
                self.Tell(new SessionFailed(epoch, Sound($"the broker cancelled the consumer of {_options.FeedbackQueue}"), IsMistake: false));
                return Task.CompletedTask;
            };
            await consuming.BasicQosAsync(0, prefetch, global: false, bounded).ConfigureAwait(false);
            await consuming.BasicConsumeAsync(_options.FeedbackQueue, autoAck: false, consumer, bounded).ConfigureAwait(false);
            return new Session(consuming, publishing);
        },
        ended);

    private void OnSessionOpened(SessionOpened message)
    {
        if (message.Epoch != _session)
        {
            return;
        }

        _open = message.Session;
        _log.Info("Taking feedback from {Queue} into {Folder}", _options.FeedbackQueue, _feedback.Folder);
        foreach (var delivery in _early)
        {
            OnDelivered(delivery);
        }

        _early.Clear();
    }

    private void OnSessionFailed(SessionFailed message)
    {
        if (message.IsMistake)
        {
            _log.Error("No feedback can be taken: {Reason}", message.End.Reason);
        }

        if (message.Epoch == _session && _session != 0)
        {
            _link.Tell(new ResetLink(_session, message.End));
            EndSession(_session, message.End);
        }
    }

    // What is not acknowledged comes again; what of it was stored is then known.
    private void EndSession(long epoch, SessionEnd end)
    {
        if (epoch == _session && _session != 0)
        {
            if (end.Unreadable)
            {
                // Each connection that it ends is charged to every message beside it.
                _caution = CarefulMessages;
            }

            _unacknowledged = 0;
            _standstill.Observe(waits: false, moved: false);
            _session = 0;
            _open = null;
            _early.Clear();
            _sessionEnd.Cancel();
        }
    }

    private void OnDelivered(Delivered message)
    {
        if (message.Session != _session)
        {
            return;
        }

        // Deliveries overtake the news that the session is open.
        if (_open is not { } session)
        {
            _early.Add(message);
            return;
        }

        _unacknowledged++;
        _standstill.Observe(waits: true, moved: false);
        FaceFeedback? feedback = null;
        string? fault;
        if (message.Length > FeedbackFields.MaxBytes)
        {
            fault = $"It has {message.Length} bytes; it must be 1 to {FeedbackFields.MaxBytes}.";
        }
        else if (FeedbackFields.TryRead(message.Body, out var fields, out fault))
        {
            fields!.TryComplete(out feedback, out fault);
        }

        if (feedback is null)
        {
            DeadLetter(session, message, fault!);
            return;
        }

        // A repeated one waits for the disk as well: the first may not be there yet.
        var kind = _state.Take(feedback);
        _waiting.Enqueue(new Pending(message.Session, message.Tag, feedback, kind));
        Pump();
    }

    private void DeadLetter(Session session, Delivered message, string reason)
    {
        _log.Warning("A feedback message goes to {Queue}: {Reason}", _options.FeedbackDeadLetterQueue, reason);
        var (epoch, tag) = (message.Session, message.Tag);
        PublishAsync(session.Publishing, message.Body, reason, _sessionEnd.Token).PipeTo(
            Self,
            success: ending => ending.End == PublishEnd.Confirmed
                ? new DeadLettered(epoch, tag)
                : new SessionFailed(epoch, Sound($"a dead letter was not confirmed: {ending.Reason}"), IsMistake: false));
    }

    private Task<PublishEnding> PublishAsync(ConfirmingChannel channel, byte[] body, string reason, CancellationToken ended)
    {
        var properties = new BasicProperties
        {
            DeliveryMode = DeliveryModes.Persistent,
            Headers = new Dictionary<string, object?> { [ReasonHeader] = reason },
        };
        return channel.PublishAsync(_options.FeedbackDeadLetterQueue, mandatory: true, properties, body, _options.PublishTimeout, ended);
    }

    private void Pump()
    {
        if (_writing || (_waiting.Count == 0 && !_sweepDue))
        {
            return;
        }

        var batch = _waiting.ToList();
        _waiting.Clear();
        Write(batch);
    }

    private void Write(IReadOnlyList<Pending> batch)
    {
        _writing = true;
        var (store, now, sweep) = (_store, _clock.GetUtcNow(), _sweepDue);
        var first = DateOnly.FromDateTime(now.UtcDateTime).AddDays(-_feedback.KeepDays);
        var records = batch.Where(pending => pending.Kind != FeedbackKind.Repeated).Select(pending => new FeedbackRecord(now, pending.Feedback)).ToList();
        _sweepDue = false;
        Task.Run(() =>
        {
            store.Append(records);
            return sweep ? store.DeleteBefore(first) : 0;
        }).PipeTo(Self, success: deleted => new Written(batch, deleted), failure: cause => new NotWritten(batch, sweep, cause));
    }

    private void OnWritten(Written message)
    {
        _writing = false;
        foreach (var pending in message.Batch)
        {
            _stored++;
            Count(pending);
            Acknowledge(pending.Session, pending.Tag);
        }

        foreach (var version in message.Batch.Select(pending => pending.Feedback.ModelVersion).Distinct())
        {
            if (_state.Of(version) is { } accuracy)
            {
                Show(accuracy);
            }
        }

        if (message.Deleted > 0)
        {
            _log.Info("Feedback of {Days} days is older than {KeepDays} days and was deleted", message.Deleted, _feedback.KeepDays);
        }

        Pump();
    }

    private void OnNotWritten(NotWritten message)
    {
        _sweepDue |= message.Sweep;
        _log.Error(
            "{Count} feedback messages wait, since {Folder} takes none: {Reason}", message.Batch.Count, _feedback.Folder, message.Cause.GetBaseException().Message);
        Timers.StartSingleTimer(nameof(WriteDue), new WriteDue(message.Batch), WriteAgain);
    }

    private void Count(Pending pending)
    {
        var feedback = pending.Feedback;
        FerMetrics.FeedbackTaken(
            pending.Kind == FeedbackKind.Repeated ? "repeated" : feedback.Confirms ? "right" : "wrong", Tag(feedback.ModelVersion));
        if (pending.Kind != FeedbackKind.Repeated)
        {
            _log.Info(
                "Feedback on {MessageId}: {Source} says {Label} where {ModelVersion} said {Predicted}",
                UntrustedText.Shown(feedback.MessageId), feedback.Source, feedback.Label, UntrustedText.Shown(feedback.ModelVersion), feedback.Predicted);
        }
    }

    private void Show(ProductionAccuracy version) => FerMetrics.FeedbackJudged(Tag(version.ModelVersion), version.Accuracy, version.Judged);

    private string Tag(string version) => _tags.Contains(version) || (_tags.Count < MaxTags && _tags.Add(version)) ? version : "other";

    private void Acknowledge(long session, ulong tag)
    {
        if (session != _session || _open is not { } open)
        {
            return;
        }

        open.Consuming.BasicAckAsync(tag, multiple: false, _sessionEnd.Token).AsTask().PipeTo(
            Self,
            success: () => new Acknowledged(session),
            failure: cause => new SessionFailed(session, Sound($"an acknowledgement failed: {cause.Message}"), IsMistake: false));
    }

    private void OnAcknowledged()
    {
        _link.Tell(new LinkHealthy(_session));
        _unacknowledged--;
        _standstill.Observe(_unacknowledged > 0, moved: true);
        if (_caution > 0 && --_caution == 0)
        {
            // The next session takes all at once again. It is opened without a wait: nothing is wrong with the broker.
            var end = Sound("the message that could not be read is gone, and all are taken at once again");
            _link.Tell(new ResetLink(_session, end with { Unreadable = true }));
            EndSession(_session, end);
        }
    }

    private sealed record Session(IChannel Consuming, ConfirmingChannel Publishing);

    private sealed record Pending(long Session, ulong Tag, FaceFeedback Feedback, FeedbackKind Kind);

    private sealed record Remembered(IReadOnlyList<FeedbackRecord> Records, Exception? Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record SessionOpened(long Epoch, Session Session) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record Acknowledged(long Session) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record SessionFailed(long Epoch, SessionEnd End, bool IsMistake) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    /// <param name="Session">Which.</param>
    /// <param name="Tag">The delivery's number within it.</param>
    /// <param name="Body">At most the first <see cref="FeedbackFields.MaxBytes"/> bytes.</param>
    /// <param name="Length">Bytes of the whole body.</param>
    private sealed record Delivered(long Session, ulong Tag, byte[] Body, int Length) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record DeadLettered(long Session, ulong Tag) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record Written(IReadOnlyList<Pending> Batch, int Deleted) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record NotWritten(IReadOnlyList<Pending> Batch, bool Sweep, Exception Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record WriteDue(IReadOnlyList<Pending> Batch) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed class SweepDue : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private SweepDue()
        {
        }

        public static SweepDue Instance { get; } = new();
    }
}

public static class FeedbackHosting
{
    /// <summary>Adds the actor that takes feedback.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="options">Validated options of the broker.</param>
    /// <param name="feedback">Validated options; where it is not enabled nothing is added.</param>
    public static AkkaConfigurationBuilder AddFeedbackIntake(this AkkaConfigurationBuilder builder, RabbitMqOptions options, FeedbackOptions feedback)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        return feedback.Enabled
            ? builder.WithActors((system, registry) => registry.Register<FeedbackIntake>(system.ActorOf(
                Props.Create(() => new FeedbackActor(options, feedback, new RabbitConnector(options), TimeProvider.System)), "feedback")))
            : builder;
    }
}
