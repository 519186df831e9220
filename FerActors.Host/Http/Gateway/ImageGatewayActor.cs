using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Host.Broker;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.Http.Gateway;

/// <summary>
/// Request and reply over the queue contract: publishes images with confirms and gives each asker the result that comes back on an
/// exclusive queue of this node, or the reason why none did, at the latest when its time is over. Without a connection it refuses at
/// once: a person waits, and there is nothing to keep.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "An actor disposes in PostStop.")]
public sealed class ImageGatewayActor : ReceiveActor, IWithTimers
{
    private const string DirectReplyTo = "amq.rabbitmq.reply-to";
    private const ushort AccessRefused = 403;

    // Requests in a row without a result, after which the session is opened anew, and again after twice as many, and so on.
    private const int FirstReopening = 4;

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<string, Waiting> _askers = [];
    private readonly RabbitMqOptions _options;
    private readonly IRabbitConnector _connector;
    private readonly int _maxInFlight;
    private readonly TimeProvider _clock;
    private IActorRef _link = ActorRefs.Nobody;
    private long _session;
    private Session? _open;
    private bool _blocked;
    private SessionFailed? _fault;
    private int _unanswered;
    private int _reopenAt = FirstReopening;
    private readonly StandstillClock _standstill;
    private CancellationTokenSource _sessionEnd = new();

    /// <param name="options">Validated options.</param>
    /// <param name="connector">Opens the connection.</param>
    /// <param name="maxInFlight">Requests without an answer at once.</param>
    /// <param name="clock">The time.</param>
    public ImageGatewayActor(RabbitMqOptions options, IRabbitConnector connector, int maxInFlight, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _connector = connector;
        _maxInFlight = maxInFlight;
        _clock = clock;
        _standstill = new StandstillClock(clock);

        Receive<LinkUp>(OnLinkUp);
        Receive<LinkDown>(message => EndSession(message.Epoch));
        Receive<LinkBlocked>(message => _blocked = message.Epoch == _session ? message.Blocked : _blocked);
        Receive<SessionOpened>(message =>
        {
            if (message.Epoch == _session)
            {
                _open = message.Session;
                _fault = null;
            }
        });
        Receive<SessionFailed>(message =>
        {
            if (message.IsRefusal)
            {
                _log.Error("The API cannot use the broker: {Reason}", message.End.Reason);
                _fault = message;
            }

            if (message.Epoch == _session)
            {
                Reset(message.End);
            }
        });

        Receive<ClassifyRemotely>(OnClassify);
        Receive<PublishEnded>(OnPublishEnded);
        Receive<SendFeedback>(OnFeedback);
        Receive<FeedbackEnded>(message =>
        {
            message.Asker.Tell(new FeedbackSent(message.Refusal is { } refusal ? new GatewayAnswer.NotAnswered(refusal.Code, refusal.Message) : null));
            ResetAfter(message.Refusal, message.Epoch);
        });
        Receive<ReplyArrived>(OnReply);
        Receive<RequestDue>(OnDue);
        Receive<GetGatewayStatus>(_ => Sender.Tell(new GatewayStatus(
            _open is not null, _blocked, _askers.Count, _fault?.End.Reason, _standstill.Standing, _unanswered)));
        Receive<GetQueueDepths>(_ =>
        {
            var sender = Sender;
            DepthsAsync(_open?.Connection, [_options.ImagesQueue, _options.DeadLetterQueue], _options.ConnectTimeout).PipeTo(sender, Self);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var (options, connector) = (_options, _connector);
        _link = Context.ActorOf(
            Props.Create(() => new RabbitLinkActor(
                connector, new BackoffPolicy(options.ReconnectMinBackoff, options.ReconnectMaxBackoff), "api", options.RedactedUri)),
            "link");
    }

    protected override void PostStop()
    {
        AnswerAll(new GatewayAnswer.NotAnswered(ApiCodes.BrokerUnavailable, "This node is stopping."));
        _sessionEnd.Cancel();
        _sessionEnd.Dispose();
    }

    // Nobody else remembers these requests.
    protected override void PreRestart(Exception reason, object message)
    {
        AnswerAll(new GatewayAnswer.NotAnswered(ErrorCodes.Internal, "The request could not be carried out."));
        base.PreRestart(reason, message);
    }

    private void OnLinkUp(LinkUp message)
    {
        _session = message.Epoch;
        _blocked = false;
        _sessionEnd.Dispose();
        _sessionEnd = new CancellationTokenSource();
        var epoch = _session;
        OpenAsync(message.Connection, epoch, Self, _sessionEnd.Token).PipeTo(
            Self,
            success: session => new SessionOpened(epoch, session),
            failure: cause => new SessionFailed(epoch, Sound(cause.Message), IsAccessRefused(cause)));
    }

    private Task<Session> OpenAsync(IConnection connection, long epoch, IActorRef self, CancellationToken ended) => RabbitChannels.OpenAsync(
        _options.ConnectTimeout,
        $"The broker did not open the reply queue within {_options.ConnectTimeout}.",
        async bounded =>
        {
            var publishing = await ConfirmingChannel.OpenAsync(connection, bounded).ConfigureAwait(false);

            // Without the right to configure anything there can be no queue of its own: then the results come to the channel that asks.
            var consuming = _options.DeclareTopology
                ? await connection.CreateChannelAsync(cancellationToken: bounded).ConfigureAwait(false)
                : publishing.Channel;
            foreach (var channel in new[] { publishing.Channel, consuming }.Distinct())
            {
                channel.ChannelShutdownAsync += (_, args) =>
                {
                    self.Tell(new SessionFailed(epoch, SessionEnd.Of(args), args.ReplyCode == AccessRefused));
                    return Task.CompletedTask;
                };
            }

            var queue = DirectReplyTo;
            if (_options.DeclareTopology)
            {
                queue = (await consuming.QueueDeclareAsync(
                    ReplyQueueName(), durable: false, exclusive: true, autoDelete: true, cancellationToken: bounded).ConfigureAwait(false)).QueueName;
            }

            var consumer = new AsyncEventingBasicConsumer(consuming);
            consumer.ReceivedAsync += (_, delivery) =>
            {
                // The client reuses the body's buffer after this handler.
                self.Tell(new ReplyArrived(delivery.BasicProperties.CorrelationId ?? "", delivery.Body.ToArray()));
                return Task.CompletedTask;
            };
            consumer.UnregisteredAsync += (_, _) =>
            {
                self.Tell(new SessionFailed(epoch, Sound($"the broker cancelled the consumer of {queue}: the queue was deleted"), IsRefusal: false));
                return Task.CompletedTask;
            };
            await consuming.BasicConsumeAsync(queue, autoAck: true, consumer, bounded).ConfigureAwait(false);
            return new Session(connection, publishing, queue);
        },
        ended);

    private static SessionEnd Sound(string reason) => new(reason, Unreadable: false);

    private static bool IsAccessRefused(Exception cause) => cause is OperationInterruptedException { ShutdownReason.ReplyCode: AccessRefused };

    // Nodes answer only to names on their list. The broker itself chooses names that start with amq., and no other may.
    private string ReplyQueueName() =>
        _options.ReplyPrefixes.FirstOrDefault(prefix => !prefix.StartsWith("amq.", StringComparison.Ordinal)) is { } prefix
            ? $"{prefix}api-{Guid.NewGuid():N}"
            : "";

    private void Reset(SessionEnd end)
    {
        _link.Tell(new ResetLink(_session, end));
        EndSession(_session);
    }

    // The reply queue goes with its connection, and with it every result that was still to come.
    private void EndSession(long epoch)
    {
        if (epoch != _session || _session == 0)
        {
            return;
        }

        _session = 0;
        _open = null;
        _sessionEnd.Cancel();
        AnswerAll(new GatewayAnswer.NotAnswered(ApiCodes.BrokerUnavailable, "The connection to the broker was lost before the result came."));
    }

    private void OnClassify(ClassifyRemotely request)
    {
        if (Obstacle() is { } obstacle)
        {
            Sender.Tell(obstacle);
            return;
        }

        var span = FerTracing.StartMessage("send", _options.ImagesQueue, request.MessageId, request.Image.Length, request.Trace);
        if (!_askers.TryAdd(request.MessageId, new Waiting(Sender, _clock.GetTimestamp())))
        {
            span?.Dispose();
            Sender.Tell(new GatewayAnswer.NotAnswered(ErrorCodes.Internal, "Two requests have the same id."));
            return;
        }

        Timers.StartSingleTimer(request.MessageId, new RequestDue(request.MessageId), request.Timeout);
        var (epoch, id) = (_session, request.MessageId);
        PublishAsync(_open!, request, span, _sessionEnd.Token).PipeTo(
            Self,
            success: refusal => new PublishEnded(epoch, id, refusal),
            failure: cause => new PublishEnded(epoch, id, new Refusal(ErrorCodes.Internal, cause.Message, Breaks: true)));
        _standstill.Observe(waits: true, moved: false);
    }

    // A result that comes late or not at all is mostly the nodes' affair, but a session may also be deaf while it is open.
    private void OnDue(RequestDue due)
    {
        if (!_askers.ContainsKey(due.MessageId))
        {
            return;
        }

        _unanswered++;
        Answer(due.MessageId, new GatewayAnswer.NotAnswered(ApiCodes.Timeout, "No node answered in time."));
        if (_session != 0 && _askers.Count == 0 && _unanswered >= _reopenAt)
        {
            _reopenAt = _unanswered * 2;
            Reset(Sound($"{_unanswered} requests in a row got no result, and a fresh session may hear them"));
        }
    }

    private GatewayAnswer.NotAnswered? Obstacle()
    {
        if (_open is null)
        {
            return new GatewayAnswer.NotAnswered(
                ApiCodes.BrokerUnavailable,
                _fault is null
                    ? "The broker cannot be reached; try again later."
                    : "The broker refuses this node a right that the API needs; the node's log and its readiness name it.");
        }

        if (_blocked)
        {
            return new GatewayAnswer.NotAnswered(ApiCodes.BrokerUnavailable, "The broker takes no images for now; try again later.");
        }

        return _askers.Count >= _maxInFlight
            ? new GatewayAnswer.NotAnswered(ErrorCodes.Overloaded, $"{_askers.Count} requests wait for their results already; try again later.")
            : null;
    }

    private async Task<Refusal?> PublishAsync(Session session, ClassifyRemotely request, Activity? span, CancellationToken ended)
    {
        using (span)
        {
            var refusal = await PublishAsync(session, request, span?.Context ?? request.Trace, ended).ConfigureAwait(false);
            if (refusal is not null)
            {
                span.Fail(refusal.Code);
            }

            return refusal;
        }
    }

    private async Task<Refusal?> PublishAsync(Session session, ClassifyRemotely request, ActivityContext trace, CancellationToken ended)
    {
        var properties = new BasicProperties
        {
            MessageId = request.MessageId,
            CorrelationId = request.MessageId,
            ReplyTo = session.ReplyQueue,
            DeliveryMode = DeliveryModes.Persistent,
            Expiration = ((long)request.Timeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture),
            Headers = request.Headers.ToDictionary(header => header.Key, header => (object?)header.Value),
        };

        // The caller is gone after this time, wherever the image is: in the queue, where the broker drops it, or at a node.
        properties.Headers[RequestHeaders.Deadline] = ((long)Math.Max(request.Timeout.TotalMilliseconds, 1)).ToString(CultureInfo.InvariantCulture);
        FerTracing.Write(properties.Headers, trace);
        return await PublishAsync(session, _options.ImagesQueue, "images", properties, request.Image, ended).ConfigureAwait(false);
    }

    private async Task<Refusal?> PublishAsync(
        Session session, string queue, string kind, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken ended)
    {
        var ending = await session.Channel.PublishAsync(queue, mandatory: true, properties, body, _options.PublishTimeout, ended).ConfigureAwait(false);
        return ending.End switch
        {
            PublishEnd.Confirmed => null,
            PublishEnd.Unroutable => new Refusal(ApiCodes.BrokerUnavailable, $"No node has declared the queue for {kind} yet.", Breaks: false),
            PublishEnd.Refused => new Refusal(ErrorCodes.Overloaded, $"The broker's queue for {kind} takes no more; try again later.", Breaks: false),
            PublishEnd.TimedOut => new Refusal(ApiCodes.BrokerUnavailable, "The broker did not confirm the message in time.", Breaks: true),
            PublishEnd.ContentRefused => new Refusal(ErrorCodes.TooLarge, "The broker takes no message of this size.", Breaks: true),
            PublishEnd.Impossible => new Refusal(ErrorCodes.Internal, ending.Reason, Breaks: true),
            _ => new Refusal(ApiCodes.BrokerUnavailable, "The connection to the broker was lost.", Breaks: true),
        };
    }

    private void OnPublishEnded(PublishEnded message)
    {
        if (message.Refusal is not { } refusal)
        {
            _link.Tell(new LinkHealthy(message.Epoch));
            return;
        }

        Answer(message.MessageId, new GatewayAnswer.NotAnswered(refusal.Code, refusal.Message));
        ResetAfter(refusal, message.Epoch);
    }

    private void OnFeedback(SendFeedback feedback)
    {
        if (Obstacle() is { } obstacle)
        {
            Sender.Tell(new FeedbackSent(obstacle));
            return;
        }

        var (epoch, asker) = (_session, Sender);
        var properties = new BasicProperties { MessageId = feedback.MessageId, DeliveryMode = DeliveryModes.Persistent, ContentType = ResultJson.ContentType };
        PublishAsync(_open!, _options.FeedbackQueue, "feedback", properties, feedback.Body, _sessionEnd.Token).PipeTo(
            Self,
            success: refusal => new FeedbackEnded(epoch, asker, refusal),
            failure: cause => new FeedbackEnded(epoch, asker, new Refusal(ErrorCodes.Internal, cause.Message, Breaks: true)));
    }

    private void ResetAfter(Refusal? refusal, long epoch)
    {
        if (refusal is { Breaks: true } && epoch == _session && _session != 0)
        {
            Reset(Sound(refusal.Message));
        }
    }

    private void OnReply(ReplyArrived message)
    {
        _unanswered = 0;
        _reopenAt = FirstReopening;
        _standstill.Observe(_askers.Count > 0, moved: true);

        // A late one, or the second of a message that was delivered twice.
        if (!_askers.ContainsKey(message.MessageId))
        {
            return;
        }

        try
        {
            Answer(message.MessageId, new GatewayAnswer.Answered(ResultJson.Deserialize(message.Body), message.Body));
        }
        catch (System.Text.Json.JsonException)
        {
            _log.Error("What came back for message {MessageId} is no result", message.MessageId);
            Answer(message.MessageId, new GatewayAnswer.NotAnswered(ErrorCodes.Internal, "What came back is no result."));
        }
    }

    private void Answer(string messageId, GatewayAnswer answer)
    {
        Timers.Cancel(messageId);
        if (_askers.Remove(messageId, out var waiting))
        {
            waiting.Asker.Tell(answer);
            _standstill.Observe(_askers.Count > 0, moved: false);
            var error = answer switch
            {
                GatewayAnswer.NotAnswered refused => refused.Code,
                GatewayAnswer.Answered answered => answered.Result.Error?.Code,
                _ => null,
            };
            FerMetrics.RequestEnded(_clock.GetElapsedTime(waiting.Since).TotalSeconds, _options.ImagesQueue, error);
        }
    }

    // Each on a channel of its own, since asking for a queue that does not exist costs the channel.
    private static async Task<QueueDepths> DepthsAsync(IConnection? connection, IReadOnlyList<string> queues, TimeSpan timeout)
    {
        var ready = new Dictionary<string, long>(StringComparer.Ordinal);
        using var bounded = new CancellationTokenSource(timeout);
        foreach (var queue in connection is { IsOpen: true } ? queues : [])
        {
            try
            {
                var channel = await connection!.CreateChannelAsync(cancellationToken: bounded.Token).ConfigureAwait(false);
                await using (channel.ConfigureAwait(false))
                {
                    ready[queue] = await channel.MessageCountAsync(queue, bounded.Token).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (e is RabbitMQClientException or IOException or ObjectDisposedException or OperationCanceledException)
            {
                // The queue is not there, or the connection is not any more: nothing is known then.
            }
        }

        return new QueueDepths(ready);
    }

    private void AnswerAll(GatewayAnswer answer)
    {
        foreach (var messageId in _askers.Keys.ToList())
        {
            Answer(messageId, answer);
        }
    }

    private sealed record Session(IConnection Connection, ConfirmingChannel Channel, string ReplyQueue);

    private sealed record Waiting(IActorRef Asker, long Since);

    /// <param name="Code">For the client.</param>
    /// <param name="Message">For the client.</param>
    /// <param name="Breaks">The session is of no use any more.</param>
    private sealed record Refusal(string Code, string Message, bool Breaks);

    private sealed record SessionOpened(long Epoch, Session Session) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record SessionFailed(long Epoch, SessionEnd End, bool IsRefusal) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record PublishEnded(long Epoch, string MessageId, Refusal? Refusal) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record FeedbackEnded(long Epoch, IActorRef Asker, Refusal? Refusal) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ReplyArrived(string MessageId, byte[] Body) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record RequestDue(string MessageId) : INoSerializationVerificationNeeded, IDeadLetterSuppression;
}

public static class ImageGatewayHosting
{
    /// <summary>Adds the gateway between the HTTP API and the broker.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="options">Validated options of the broker.</param>
    /// <param name="api">Validated options of the API.</param>
    public static AkkaConfigurationBuilder AddImageGateway(this AkkaConfigurationBuilder builder, RabbitMqOptions options, ApiOptions api) =>
        builder.WithActors((system, registry) => registry.Register<ImageGateway>(system.ActorOf(
            Props.Create(() => new ImageGatewayActor(
                options, new RabbitConnector(options), api.MaxConcurrentRequests + api.BatchParallelism, TimeProvider.System)),
            "image-gateway")));
}
