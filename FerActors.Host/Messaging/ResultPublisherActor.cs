using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.Messaging;

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

    private const ushort PreconditionFailed = 406;
    private const ushort ContentTooLarge = 311;

    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<DeliveryKey, IActorRef> _requesters = [];
    private readonly RabbitMqOptions _options;
    private readonly IRabbitConnector _connector;
    private readonly TimeProvider _clock;
    private PublisherState _state;
    private IActorRef _link = ActorRefs.Nobody;
    private long _session;
    private IChannel? _channel;
    private CancellationTokenSource _sessionEnd = new();

    public ResultPublisherActor(RabbitMqOptions options, IRabbitConnector connector, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _connector = connector;
        _clock = clock;
        _state = PublisherState.Create(options.MaxOutstandingPublishes, options.DeclareTopology ? options.ResultsQueue : null);

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
                _link.Tell(new LinkHealthy(_session));
                Apply(_state.SessionUp(_session));
            }
        });
        Receive<ChannelFailed>(message =>
        {
            if (message.IsMistake)
            {
                _log.Error("Nothing can be published: {Reason}", message.Reason);
            }

            if (message.Session == _session)
            {
                Reset(message.Reason);
            }
        });

        Receive<PublishResult>(OnPublish);
        Receive<AttemptEnded>(OnAttemptEnded);
        Receive<RetryDue>(_ => Apply(_state.RetryDue()));

        Receive<CloseLink>(message => _link.Forward(message));
        Receive<GetTransportStatistics>(_ => Sender.Tell(new PublisherStatistics(
            _state.IsUp, _state.IsBlocked, _state.Published, _state.Republished, _state.Pending)));
    }

    private enum Ending
    {
        Confirmed,
        Unroutable,
        Refused,
        TimedOut,
        Broken,
        ContentRefused,
        Impossible,
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
            failure: cause => new ChannelFailed(session, cause.Message, cause is TopologyMismatchException));
    }

    private Task<IChannel> OpenChannelAsync(IConnection connection, long session, IActorRef self, CancellationToken ended) => RabbitChannels.OpenAsync(
        _options.ConnectTimeout,
        $"The broker did not open a channel and declare the queues within {_options.ConnectTimeout}.",
        async bounded =>
        {
            var channel = await RabbitChannels.CreateConfirmingAsync(connection, bounded).ConfigureAwait(false);
            channel.WhenShut(reason => self.Tell(new ChannelFailed(session, reason, IsMistake: false)));
            if (_options.DeclareTopology)
            {
                await RabbitTopology.DeclareResultsAsync(channel, _options, bounded).ConfigureAwait(false);
            }

            return channel;
        },
        ended);

    private void Reset(string reason)
    {
        _link.Tell(new ResetLink(_session, reason));
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

    private void OnAttemptEnded(AttemptEnded message) => Apply(message.Ending switch
    {
        Ending.Confirmed => _state.Confirmed(message.Attempt),
        Ending.Unroutable => _state.Unroutable(message.Attempt),
        Ending.Refused => _state.Refused(message.Attempt),
        Ending.TimedOut => _state.TimedOut(message.Attempt),
        Ending.ContentRefused => _state.ContentRefused(message.Attempt, message.Reason),
        Ending.Impossible => _state.Impossible(message.Attempt, message.Reason),
        _ => _state.Broken(message.Attempt, message.Reason),
    });

    private void Apply(PublisherStep step)
    {
        _state = step.State;
        foreach (var effect in step.Effects)
        {
            Perform(effect);
        }
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
                    success: end => new AttemptEnded(send.Attempt, end.Ending, end.Reason));
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
                Reset(reset.Reason);
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

    // New for every attempt: the client writes its sequence number into the headers.
    private BasicProperties Properties(PendingResult result, ActivityContext trace)
    {
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

    private static async Task<(Ending Ending, string Reason)> SendAsync(
        IChannel channel, PendingResult result, BasicProperties properties, Activity? span, TimeSpan timeout, CancellationToken ended)
    {
        using (span)
        {
            var end = await SendAsync(channel, result, properties, timeout, ended).ConfigureAwait(false);
            if (end.Ending != Ending.Confirmed)
            {
                span.Fail(end.Ending.ToString());
            }

            return end;
        }
    }

    private static async Task<(Ending Ending, string Reason)> SendAsync(
        IChannel channel, PendingResult result, BasicProperties properties, TimeSpan timeout, CancellationToken ended)
    {
        // The client itself waits for a confirm without any bound.
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(ended);
        bounded.CancelAfter(timeout);
        try
        {
            await channel.BasicPublishAsync("", result.Queue, mandatory: true, properties, result.Body, bounded.Token).ConfigureAwait(false);
            return (Ending.Confirmed, "");
        }
        catch (PublishException e)
        {
            return (e.IsReturn ? Ending.Unroutable : Ending.Refused, e.Message);
        }
        catch (OperationCanceledException)
        {
            return ended.IsCancellationRequested ? (Ending.Broken, "the session ended") : (Ending.TimedOut, "");
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason is { Initiator: ShutdownInitiator.Peer, ReplyCode: PreconditionFailed or ContentTooLarge })
        {
            return (Ending.ContentRefused, e.ShutdownReason.ReplyText);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or ObjectDisposedException or TimeoutException)
        {
            return (Ending.Broken, e.Message);
        }
        catch (Exception e)
        {
            return (Ending.Impossible, e.Message);
        }
    }

    /// <summary>The publisher's part of <see cref="TransportStatistics"/>.</summary>
    internal sealed record PublisherStatistics(bool Connected, bool Blocked, long Published, long Republished, int Pending)
        : INoSerializationVerificationNeeded;

    private sealed record ChannelOpened(long Session, IChannel Channel) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ChannelFailed(long Session, string Reason, bool IsMistake) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record AttemptEnded(long Attempt, Ending Ending, string Reason) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed class RetryDue : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private RetryDue()
        {
        }

        public static RetryDue Instance { get; } = new();
    }
}
