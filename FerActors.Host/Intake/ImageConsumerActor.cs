using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using FerActors.Host.Broker;
using FerActors.Host.Results;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;
using RabbitMQ.Client;

namespace FerActors.Host.Intake;

/// <summary>
/// Takes images from the queue, hands them to the pipeline, has their results published, and settles each delivery afterwards.
/// All decisions are <see cref="IntakeState"/>'s; this actor talks to the broker.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "An actor disposes in PostStop.")]
public sealed class ImageConsumerActor : ReceiveActor, IWithTimers
{
    // Over the whole process: an answer to a delivery of an earlier incarnation must never match one of this.
    private static long _lastSession;

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RabbitMqOptions _options;
    private readonly IRabbitConnector _connector;
    private readonly Func<Task<IActorRef>> _findIngress;
    private readonly IActorRef _publisher;
    private readonly string _node;
    private readonly TimeProvider _clock;
    private readonly EnvelopeReader _reader;
    private readonly DeliveryTelemetry _telemetry;
    private IntakeState _state;
    private IActorRef _ingress = ActorRefs.Nobody;
    private IActorRef _link = ActorRefs.Nobody;
    private long _linkEpoch;
    private long _session;
    private IChannel? _channel;
    private CancellationTokenSource _sessionEnd = new();
    private Task _channelWork = Task.CompletedTask;
    private string? _consumerTag;
    private readonly HashSet<string> _consumers = [];
    private readonly StandstillClock _standstill;
    private bool _unreadable;
    private bool _moved;
    private bool _stopping;
    private bool _closing;
    private bool _closed;
    private readonly List<IActorRef> _awaitingStop = [];
    private readonly List<IActorRef> _awaitingDrain = [];

    public ImageConsumerActor(
        RabbitMqOptions options,
        IRabbitConnector connector,
        Func<Task<IActorRef>> findIngress,
        IActorRef publisher,
        string node,
        TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _connector = connector;
        _findIngress = findIngress;
        _publisher = publisher;
        _node = node;
        _clock = clock;
        _reader = new EnvelopeReader(options);
        _telemetry = new DeliveryTelemetry(options.ImagesQueue, clock, Context.System.EventStream.Publish);
        _standstill = new StandstillClock(clock);
        _state = IntakeState.Create(options.Prefetch, options.OutcomeTimeout);

        Receive<IngressFound>(message =>
        {
            _ingress = message.Ingress;
            if (_stopping)
            {
                return;
            }

            _link = Context.ActorOf(
                Props.Create(() => new RabbitLinkActor(
                    connector, new BackoffPolicy(options.ReconnectMinBackoff, options.ReconnectMaxBackoff), "consumer", options.RedactedUri)),
                "link");
        });
        Receive<Status.Failure>(failure => throw new InvalidOperationException("The image pipeline was not found.", failure.Cause));

        Receive<LinkUp>(OnLinkUp);
        Receive<LinkDown>(message => EndSession(message.Epoch, message.End));
        Receive<LinkBlocked>(_ => { });
        Receive<ChannelOpened>(OnChannelOpened);
        Receive<ChannelFailed>(message =>
        {
            if (message.IsMistake)
            {
                // The channel's own end is usually reported first, so the sentence is logged whatever the session is by now.
                _log.Error("Nothing can be consumed: {Reason}", message.End.Reason);
            }

            AbandonSession(message.Session, message.End);
        });
        Receive<ConsumerCancelled>(message => AbandonSession(
            message.Session, Sound($"the broker cancelled the consumer of {_options.ImagesQueue}: the queue was deleted or moved")));
        Receive<ChannelWorkDone>(OnChannelWorkDone);
        Receive<ConsumerEnded>(message =>
        {
            if (message.Session == _session)
            {
                _consumers.Remove(message.ConsumerTag);
                OnMaybeStopped();
            }
        });

        Receive<RawDelivery>(OnDelivery);
        Receive<DeliveryUnreadable>(message => AbandonSession(message.Session, new SessionEnd(message.Reason, Unreadable: true)));
        Receive<ImageOutcome>(message => Apply(_state.Classified(message.Key, message.Result, Now)));
        Receive<ResultPublished>(message => Apply(_state.Published(message.Key, Now)));
        Receive<ResultUnroutable>(message => Apply(_state.NotPublishable(
            message.Key, $"its result cannot be delivered, since no queue is named '{UntrustedText.Shown(message.Queue)}'", Now)));
        Receive<ResultFailed>(message => Apply(_state.NotPublishable(
            message.Key, $"the broker does not take its result: {message.Reason}", Now)));
        Receive<SettleEnded>(message =>
        {
            _telemetry.Settled(message.Work);
            if (message.Sent && message.Work.Epoch == _session)
            {
                _unreadable = false;
                _link.Tell(new LinkHealthy(_linkEpoch));
            }

            _moved = message.Sent && message.How != Settlement.Return;
            Apply(_state.Settled(message.Work, message.Sent, Now));
        });
        Receive<Tick>(_ => Apply(_state.Tick(Now)));

        Receive<StopIntake>(_ =>
        {
            _awaitingStop.Add(Sender);
            StopTaking();
        });
        Receive<DrainTransport>(_ => OnDrain());
        Receive<DrainTimeout>(_ => FinishDraining());
        Receive<LinkClosed>(_ => ReportDrained());
        Receive<GetStatistics>(_ => Sender.Tell(new IntakeStatistics(
            _state.Session != 0, _state.Mode, _state.Counters, _state.InFlight, _state.Held, _standstill.Standing, _telemetry.Oldest, _state.GivenUpInARow)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private DateTimeOffset Now => _clock.GetUtcNow();

    protected override void PreStart()
    {
        _findIngress().PipeTo(Self, success: ingress => new IngressFound(ingress));
        var period = TimeSpan.FromMilliseconds(Math.Clamp(_options.OutcomeTimeout.TotalMilliseconds / 4, 50, 15_000));
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, period);
    }

    protected override void PostStop()
    {
        _telemetry.Lost();
        _sessionEnd.Cancel();
        _sessionEnd.Dispose();
    }

    private void OnLinkUp(LinkUp message)
    {
        _linkEpoch = message.Epoch;
        if (_stopping)
        {
            return;
        }

        _session = Interlocked.Increment(ref _lastSession);
        _sessionEnd.Dispose();
        _sessionEnd = new CancellationTokenSource();
        var session = _session;
        var self = Self;
        OpenChannelAsync(message.Connection, session, self, _sessionEnd.Token).PipeTo(
            self,
            success: channel => new ChannelOpened(session, channel),
            failure: cause => new ChannelFailed(session, Sound(cause.Message), cause is TopologyMismatchException));
    }

    private Task<IChannel> OpenChannelAsync(IConnection connection, long session, IActorRef self, CancellationToken ended) => RabbitChannels.OpenAsync(
        _options.ConnectTimeout,
        $"The broker did not open a channel and declare the queues within {_options.ConnectTimeout}.",
        async bounded =>
        {
            var channel = await connection.CreateChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: false, publisherConfirmationTrackingEnabled: false),
                bounded).ConfigureAwait(false);
            channel.WhenShut(end => self.Tell(new ChannelFailed(session, end, IsMistake: false)));
            channel.DefaultConsumer = new DeliveryConsumer(channel, session, _options.MaxBodyBytes, self, _clock, late: true);
            if (_options.DeclareTopology)
            {
                await RabbitTopology.DeclareIntakeAsync(channel, _options, bounded).ConfigureAwait(false);
            }

            return channel;
        },
        ended);

    private void OnChannelOpened(ChannelOpened message)
    {
        if (message.Session != _session)
        {
            // It closes together with its connection.
            return;
        }

        _channel = message.Channel;
        Apply(_state.SessionUp(_session));
    }

    private static SessionEnd Sound(string reason) => new(reason, Unreadable: false);

    private void AbandonSession(long session, SessionEnd end)
    {
        if (session != _session)
        {
            return;
        }

        _link.Tell(new ResetLink(_linkEpoch, end));
        EndSession(_linkEpoch, end);
    }

    private void EndSession(long epoch, SessionEnd end)
    {
        if (epoch != _linkEpoch || _session == 0)
        {
            return;
        }

        if (end.Unreadable && !_unreadable)
        {
            _log.Error(
                "A message in {Queue} cannot be read by the client library and ends every connection that gets it: {Reason}. "
                + "Images are taken one at a time until the broker has dead-lettered the message, after {Limit} deliveries",
                _options.ImagesQueue, end.Reason, _options.DeliveryLimit);
        }

        _unreadable = end.Unreadable;
        if (_state.InFlight > 0)
        {
            _log.Info("The broker will redeliver what of {InFlight} images is not settled: {Reason}", _state.InFlight, end.Reason);
        }

        var ended = _session;
        _session = 0;
        _channel = null;
        _consumerTag = null;
        _consumers.Clear();
        _channelWork = Task.CompletedTask;
        _sessionEnd.Cancel();
        _telemetry.Lost();
        Apply(_state.SessionDown(ended, end.Unreadable));
        OnMaybeStopped();
    }

    private void OnDelivery(RawDelivery raw)
    {
        var (delivery, verdict) = _reader.Read(raw);
        _telemetry.Delivered(delivery, raw.BodyLength, FerTracing.Read(raw.Headers));
        Apply(_state.Delivered(delivery, verdict, Now));
    }

    private void Apply(IntakeStep step)
    {
        _state = step.State;
        foreach (var effect in step.Effects)
        {
            Perform(effect);
        }

        _standstill.Observe(_state.InFlight > 0, _moved);
        _moved = false;
        if (_awaitingDrain.Count > 0)
        {
            OnMaybeDrained();
        }
    }

    private void Perform(IntakeEffect effect)
    {
        switch (effect)
        {
            case IntakeEffect.Consume consume:
                StartConsumer(consume.Prefetch);
                break;
            case IntakeEffect.OpenUp openUp:
                CancelConsumer();
                StartConsumer(openUp.Prefetch);
                break;
            case IntakeEffect.StopConsuming:
                CancelConsumer();
                break;
            case IntakeEffect.Classify classify:
                var image = classify.Delivery;
                _ingress.Tell(new ClassifyImage(
                    image.Key, image.MessageId, image.CorrelationId, image.Body, image.Request, image.ReceivedAt, image.ExpiresAt, classify.Alone));
                break;
            case IntakeEffect.Publish publish:
                _telemetry.Answered(publish.Delivery.Key, publish.Result);
                _publisher.Tell(new PublishResult(
                    publish.Delivery.Key, publish.Result, publish.Delivery.ResultQueue, _telemetry.ContextOf(publish.Delivery.Key)));
                break;
            case IntakeEffect.PublishError error:
                var result = ClassificationResult.Failed(error.Delivery.MessageId, error.Delivery.CorrelationId, _node, error.Code, error.Message);
                _telemetry.Answered(error.Delivery.Key, result);
                _publisher.Tell(new PublishResult(
                    error.Delivery.Key, result, error.Delivery.ResultQueue, _telemetry.ContextOf(error.Delivery.Key)));
                break;
            case IntakeEffect.Bury bury:
                _publisher.Tell(new PublishDeadLetter(
                    bury.Delivery.Key,
                    bury.Delivery.MessageId,
                    bury.Delivery.Envelope!,
                    bury.Delivery.Body,
                    bury.Reason,
                    _telemetry.ContextOf(bury.Delivery.Key)));
                break;
            case IntakeEffect.Settle settle:
                Settle(settle);
                break;
            case IntakeEffect.Warn warn:
                _log.Warning("Message {MessageId}: {Reason}", UntrustedText.Shown(warn.MessageId), warn.Reason);
                break;
        }
    }

    private void StartConsumer(int prefetch)
    {
        var session = _session;
        var channel = _channel!;
        // The name is chosen here and not by the broker, so that it is known before the broker's answer to the request.
        var tag = $"{_options.ClientName}-{session}-{prefetch}";
        _consumerTag = tag;
        _consumers.Add(tag);
        var consumer = new DeliveryConsumer(channel, session, _options.MaxBodyBytes, Self, _clock, late: false);
        EnqueueChannelWork(started: true, async cancellation =>
        {
            await channel.BasicQosAsync(0, (ushort)prefetch, global: false, cancellation).ConfigureAwait(false);
            await channel.BasicConsumeAsync(_options.ImagesQueue, autoAck: false, tag, consumer, cancellation).ConfigureAwait(false);
        });
    }

    private void CancelConsumer()
    {
        if (_consumerTag is not { } tag)
        {
            return;
        }

        var channel = _channel!;
        _consumerTag = null;
        EnqueueChannelWork(started: false, async cancellation =>
        {
            await channel.BasicCancelAsync(tag, noWait: false, cancellation).ConfigureAwait(false);

            // Deliveries may follow the first confirmation, but not the second: the broker's process for the channel takes its
            // messages in order, and theirs arrived before it was done with the first request.
            await channel.BasicCancelAsync(tag, noWait: false, cancellation).ConfigureAwait(false);
        });
    }

    // Requests on a channel follow one another: each waits for the one before.
    private void EnqueueChannelWork(bool started, Func<CancellationToken, Task> work)
    {
        var session = _session;
        var cancellation = _sessionEnd.Token;
        _channelWork = RunAfter(_channelWork);
        _channelWork.PipeTo(
            Self,
            success: () => new ChannelWorkDone(session, started),
            failure: cause => new ChannelFailed(session, Sound(cause.Message), IsMistake: false));

        async Task RunAfter(Task previous)
        {
            await previous.ConfigureAwait(false);
            await work(cancellation).ConfigureAwait(false);
        }
    }

    private void OnChannelWorkDone(ChannelWorkDone message)
    {
        if (message.Session != _session)
        {
            return;
        }

        if (message.Started && !_unreadable)
        {
            _log.Info("Consuming {Queue} in mode {Mode}", _options.ImagesQueue, _state.Mode);
        }
    }

    private void Settle(IntakeEffect.Settle settle)
    {
        var self = Self;
        if (_channel is not { } channel)
        {
            self.Tell(new SettleEnded(settle.Work, settle.How, Sent: false));
            return;
        }

        var sending = SendAsync(_sessionEnd.Token);
        sending.PipeTo(
            self,
            success: () => new SettleEnded(settle.Work, settle.How, Sent: true),
            failure: _ => new SettleEnded(settle.Work, settle.How, Sent: false));

        async Task SendAsync(CancellationToken cancellation)
        {
            switch (settle.How)
            {
                case Settlement.Acknowledge or Settlement.Bury:
                    await channel.BasicAckAsync(settle.Tag, multiple: false, cancellation).ConfigureAwait(false);
                    break;
                default:
                    // Reject, not nack: RabbitMQ 4.3 does not count a nack against the delivery limit.
                    await channel.BasicRejectAsync(settle.Tag, requeue: settle.How == Settlement.Return, cancellation).ConfigureAwait(false);
                    break;
            }
        }
    }

    private void StopTaking()
    {
        if (!_stopping)
        {
            _stopping = true;
            Apply(_state.Drain());
        }

        OnMaybeStopped();
    }

    private void OnMaybeStopped()
    {
        if (!_stopping || (_session != 0 && _consumers.Count > 0))
        {
            return;
        }

        foreach (var waiting in _awaitingStop)
        {
            waiting.Tell(IntakeStopped.Instance);
        }

        _awaitingStop.Clear();
        OnMaybeDrained();
    }

    private void OnDrain()
    {
        if (_closed)
        {
            Sender.Tell(new TransportDrained(_state.InFlight));
            return;
        }

        _awaitingDrain.Add(Sender);
        _log.Info("Waiting up to {Timeout} for {InFlight} images in flight", _options.DrainTimeout, _state.InFlight);
        Timers.StartSingleTimer(nameof(DrainTimeout), DrainTimeout.Instance, _options.DrainTimeout);
        StopTaking();
    }

    private void OnMaybeDrained()
    {
        if (_awaitingDrain.Count > 0 && _state.InFlight == 0 && (_session == 0 || _consumers.Count == 0))
        {
            FinishDraining();
        }
    }

    private void FinishDraining()
    {
        if (_closing)
        {
            return;
        }

        _closing = true;
        Timers.Cancel(nameof(DrainTimeout));
        if (_link.IsNobody())
        {
            ReportDrained();
        }
        else
        {
            _link.Tell(CloseLink.Instance);
        }
    }

    private void ReportDrained()
    {
        _closed = true;
        if (_state.InFlight > 0)
        {
            _log.Warning("Stopped with {InFlight} images in flight; the broker gives them to another node", _state.InFlight);
        }

        var unfinished = _state.InFlight;
        foreach (var waiting in _awaitingDrain)
        {
            waiting.Tell(new TransportDrained(unfinished));
        }

        _awaitingDrain.Clear();
    }

    /// <summary>Asks for <see cref="IntakeStatistics"/>.</summary>
    internal sealed record GetStatistics : INoSerializationVerificationNeeded
    {
        private GetStatistics()
        {
        }

        public static GetStatistics Instance { get; } = new();
    }

    internal sealed record IntakeStatistics(
        bool Connected, IntakeMode Mode, IntakeCounters Counters, int InFlight, int Held, TimeSpan? Standstill, TimeSpan? Oldest, int GivenUpInARow)
        : INoSerializationVerificationNeeded;

    private sealed record IngressFound(IActorRef Ingress) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ChannelOpened(long Session, IChannel Channel) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ChannelFailed(long Session, SessionEnd End, bool IsMistake) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ChannelWorkDone(long Session, bool Started) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record SettleEnded(DeliveryKey Work, Settlement How, bool Sent) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed class Tick : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private Tick()
        {
        }

        public static Tick Instance { get; } = new();
    }

    private sealed class DrainTimeout : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private DrainTimeout()
        {
        }

        public static DrainTimeout Instance { get; } = new();
    }
}
