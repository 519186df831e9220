using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using FerActors.Host.Broker;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;
using RabbitMQ.Client;

namespace FerActors.Host.Results;

/// <summary>
/// Publishes results on a connection of its own (an alarm of the broker blocks a connection that publishes, and must not stop
/// acknowledgements) and reports each once the broker confirmed it. All decisions are <see cref="PublisherState"/>'s.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "An actor disposes in PostStop.")]
public sealed class ResultPublisherActor : ReceiveActor, IWithTimers
{
    /// <summary>The <c>type</c> property of every result.</summary>
    public const string ResultType = "fer.result";

    /// <summary>The <c>app-id</c> property of every result.</summary>
    public const string AppId = "feractors";

    /// <summary>The header that names the model version, where a model answered.</summary>
    public const string ModelVersionHeader = "x-model-version";

    private const int LongestReason = 1000;

    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<DeliveryKey, IActorRef> _requesters = [];
    private readonly RabbitMqOptions _options;
    private readonly IRabbitConnector _connector;
    private readonly TimeProvider _clock;
    private readonly StandstillClock _standstill;
    private PublisherState _state;
    private IActorRef _link = ActorRefs.Nobody;
    private long _session;
    private ConfirmingChannel? _channel;
    private bool _refused;
    private CancellationTokenSource _sessionEnd = new();

    public ResultPublisherActor(RabbitMqOptions options, IRabbitConnector connector, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _connector = connector;
        _clock = clock;
        _standstill = new StandstillClock(clock);
        _state = PublisherState.Create(options.MaxOutstandingPublishes, options.DeclareTopology ? options.ResultsQueue : null, options.ResultsQueue);

        Receive<LinkUp>(OnLinkUp);
        Receive<LinkDown>(message => EndSession(message.Epoch));
        Receive<LinkBlocked>(message =>
        {
            if (message.Blocked)
            {
                _log.Warning("The broker takes no results for now: it has a memory or disk alarm");
            }
            else
            {
                _log.Info("The broker takes results again");
            }

            Apply(_state.Blocked(message.Epoch, message.Blocked));
        });
        Receive<ChannelOpened>(message =>
        {
            if (message.Session == _session)
            {
                _channel = message.Channel;
                Apply(_state.SessionUp(_session));
            }
        });
        Receive<ChannelFailed>(message =>
        {
            if (message.IsMistake)
            {
                _log.Error("Nothing can be published: {Reason}", message.End.Reason);
            }

            if (message.Session == _session)
            {
                Reset(message.End);
            }
        });

        Receive<PublishResult>(OnPublish);
        Receive<PublishDeadLetter>(message =>
        {
            _requesters[message.Key] = Sender;
            Apply(_state.Submit(new PendingResult(
                message.Key, options.DeadLetterQueue, message.MessageId, null, null, message.Body, message.Trace)
            {
                Envelope = message.Envelope,
                Reason = message.Reason,
            }));
        });
        Receive<AttemptEnded>(OnAttemptEnded);
        Receive<RetryDue>(_ => Apply(_state.RetryDue()));

        Receive<CloseLink>(message => _link.Forward(message));
        Receive<GetStatistics>(_ => Sender.Tell(new PublisherStatistics(
            _state.IsUp, _state.IsBlocked, _state.Published, _state.Republished, _state.Pending, _refused, _standstill.Standing)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var options = _options;
        var connector = _connector;
        _link = Context.ActorOf(
            Props.Create(() => new RabbitLinkActor(
                connector, new BackoffPolicy(options.ReconnectMinBackoff, options.ReconnectMaxBackoff), "publisher", options.RedactedUri)),
            "link");
    }

    protected override void PostStop()
    {
        _sessionEnd.Cancel();
        _sessionEnd.Dispose();
    }

    private void OnLinkUp(LinkUp message)
    {
        _session = message.Epoch;
        _sessionEnd.Dispose();
        _sessionEnd = new CancellationTokenSource();
        var session = _session;
        var self = Self;
        OpenChannelAsync(message.Connection, session, self, _sessionEnd.Token).PipeTo(
            self,
            success: channel => new ChannelOpened(session, channel),
            failure: cause => new ChannelFailed(session, new SessionEnd(cause.Message, Unreadable: false), cause is TopologyMismatchException));
    }

    private Task<ConfirmingChannel> OpenChannelAsync(IConnection connection, long session, IActorRef self, CancellationToken ended) => RabbitChannels.OpenAsync(
        _options.ConnectTimeout,
        $"The broker did not open a channel and declare the queues within {_options.ConnectTimeout}.",
        async bounded =>
        {
            var channel = await ConfirmingChannel.OpenAsync(connection, bounded).ConfigureAwait(false);
            channel.Channel.WhenShut(end => self.Tell(new ChannelFailed(session, end, IsMistake: false)));
            if (_options.DeclareTopology)
            {
                await RabbitTopology.DeclareResultsAsync(channel.Channel, _options, bounded).ConfigureAwait(false);
            }

            return channel;
        },
        ended);

    private void Reset(SessionEnd end)
    {
        _link.Tell(new ResetLink(_session, end));
        EndSession(_session);
    }

    private void EndSession(long session)
    {
        if (session != _session || session == 0)
        {
            return;
        }

        _session = 0;
        _channel = null;
        _sessionEnd.Cancel();
        Apply(_state.SessionDown(session));
    }

    private void OnPublish(PublishResult message)
    {
        _requesters[message.Key] = Sender;
        Apply(_state.Submit(new PendingResult(
            message.Key,
            message.Queue,
            message.Result.MessageId,
            message.Result.CorrelationId,
            message.Result.Model?.Version,
            ResultJson.Serialize(message.Result),
            message.Trace)));
    }

    private void OnAttemptEnded(AttemptEnded message)
    {
        var (end, reason) = (message.Ending.End, message.Ending.Reason);
        if (end is PublishEnd.Confirmed or PublishEnd.Unroutable)
        {
            // Not before: a session without the right to write opens as well as any other.
            _link.Tell(new LinkHealthy(_session));
        }

        _refused = end == PublishEnd.Refused;
        Apply(end switch
        {
            PublishEnd.Confirmed => _state.Confirmed(message.Attempt),
            PublishEnd.Unroutable => _state.Unroutable(message.Attempt),
            PublishEnd.Refused => _state.Refused(message.Attempt),
            PublishEnd.TimedOut => _state.TimedOut(message.Attempt),
            PublishEnd.ContentRefused => _state.ContentRefused(message.Attempt, reason),
            PublishEnd.Impossible => _state.Impossible(message.Attempt, reason),
            _ => _state.Broken(message.Attempt, reason),
        });
    }

    private void Apply(PublisherStep step)
    {
        _state = step.State;
        foreach (var effect in step.Effects)
        {
            Perform(effect);
        }

        _standstill.Observe(
            _state.Pending > 0,
            step.Effects.Any(effect => effect is PublisherEffect.ReportPublished or PublisherEffect.ReportUnroutable or PublisherEffect.ReportFailed));
    }

    private void Perform(PublisherEffect effect)
    {
        switch (effect)
        {
            case PublisherEffect.Send send:
                var span = FerTracing.StartMessage("send", send.Result.Queue, send.Result.MessageId, send.Result.Body.Length, send.Result.Trace);
                var properties = Properties(send.Result, span?.Context ?? send.Result.Trace);
                SendAsync(_channel!, send.Result, properties, span, _options.PublishTimeout, _sessionEnd.Token).PipeTo(
                    Self,
                    success: ending => new AttemptEnded(send.Attempt, ending));
                break;
            case PublisherEffect.ReportPublished published:
                Report(published.Key, new ResultPublished(published.Key));
                break;
            case PublisherEffect.ReportUnroutable unroutable:
                Report(unroutable.Key, new ResultUnroutable(unroutable.Key, unroutable.Queue));
                break;
            case PublisherEffect.ReportFailed failed:
                Report(failed.Key, new ResultFailed(failed.Key, failed.Reason));
                break;
            case PublisherEffect.ResetSession reset:
                Reset(new SessionEnd(reset.Reason, Unreadable: false));
                break;
            case PublisherEffect.RetryLater:
                _log.Warning("The broker refused a result; the next attempt follows in {Pause}", RetryPause);
                Timers.StartSingleTimer(nameof(RetryDue), RetryDue.Instance, RetryPause);
                break;
        }
    }

    private void Report(DeliveryKey key, object report)
    {
        if (_requesters.Remove(key, out var requester))
        {
            requester.Tell(report);
        }
    }

    private BasicProperties Properties(PendingResult result, ActivityContext trace)
    {
        if (result.Envelope is { } envelope)
        {
            return DeadLetterProperties(envelope, result.Reason ?? "", _clock.GetUtcNow());
        }

        var properties = new BasicProperties
        {
            MessageId = result.MessageId,
            ContentType = ResultJson.ContentType,
            ContentEncoding = "utf-8",
            DeliveryMode = DeliveryModes.Persistent,
            Type = ResultType,
            AppId = AppId,
            Timestamp = new AmqpTimestamp(_clock.GetUtcNow().ToUnixTimeSeconds()),
        };
        if (result.CorrelationId is { } correlationId)
        {
            properties.CorrelationId = correlationId;
        }

        var headers = new Dictionary<string, object?>();
        if (result.ModelVersion is { } version)
        {
            headers[ModelVersionHeader] = version;
        }

        FerTracing.Write(headers, trace);
        if (headers.Count > 0)
        {
            properties.Headers = headers;
        }

        return properties;
    }

    // As the message came, with the reason, and without what would make the broker do something with it again: let it expire, compare the
    // user with this node's, or send copies elsewhere.
    private static BasicProperties DeadLetterProperties(IReadOnlyBasicProperties envelope, string reason, DateTimeOffset now)
    {
        var properties = new BasicProperties(envelope) { DeliveryMode = DeliveryModes.Persistent };
        properties.ClearExpiration();
        properties.ClearUserId();
        properties.Headers = new Dictionary<string, object?>(envelope.Headers ?? new Dictionary<string, object?>())
        {
            [RabbitTopology.ReasonHeader] = reason[..Math.Min(reason.Length, LongestReason)],
            [RabbitTopology.DeadSinceHeader] = now.ToUnixTimeMilliseconds(),
        };
        properties.Headers.Remove("CC");
        properties.Headers.Remove("BCC");
        return properties;
    }

    private static async Task<PublishEnding> SendAsync(
        ConfirmingChannel channel, PendingResult result, BasicProperties properties, Activity? span, TimeSpan timeout, CancellationToken ended)
    {
        using (span)
        {
            // The broker delivers a direct reply and returns the same message as unroutable, since no queue has that name.
            var mandatory = !ReplyToPolicy.IsDirect(result.Queue);
            var ending = await channel.PublishAsync(result.Queue, mandatory, properties, result.Body, timeout, ended).ConfigureAwait(false);
            if (ending.End != PublishEnd.Confirmed)
            {
                span.Fail(ending.End.ToString());
            }

            return ending;
        }
    }

    /// <summary>Asks for <see cref="PublisherStatistics"/>.</summary>
    internal sealed record GetStatistics : INoSerializationVerificationNeeded
    {
        private GetStatistics()
        {
        }

        public static GetStatistics Instance { get; } = new();
    }

    internal sealed record PublisherStatistics(
        bool Connected, bool Blocked, long Published, long Republished, int Pending, bool Refused, TimeSpan? Standstill)
        : INoSerializationVerificationNeeded;

    private sealed record ChannelOpened(long Session, ConfirmingChannel Channel) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ChannelFailed(long Session, SessionEnd End, bool IsMistake) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record AttemptEnded(long Attempt, PublishEnding Ending) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed class RetryDue : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private RetryDue()
        {
        }

        public static RetryDue Instance { get; } = new();
    }
}
