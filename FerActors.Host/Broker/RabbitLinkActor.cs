using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using FerActors.Shared.Messaging;
using RabbitMQ.Client;

namespace FerActors.Host.Broker;

/// <summary>
/// Keeps one connection: opens it, tells its parent of it (<see cref="LinkUp"/>, <see cref="LinkDown"/>), and opens the next with
/// exponential backoff when it is lost or the parent gives it up. The client's own recovery stays off: it neither covers the
/// first connect nor channel errors, and hides which delivery tags are void.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "An actor disposes in PostStop.")]
public sealed class RabbitLinkActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(3);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stop = new();
    private readonly IRabbitConnector _connector;
    private readonly BackoffPolicy _backoff;
    private readonly string _role;
    private readonly string _address;
    private readonly IActorRef _owner = Context.Parent;
    private LinkState _state = LinkState.Initial;
    private IConnection? _connection;

    public RabbitLinkActor(IRabbitConnector connector, BackoffPolicy backoff, string role, string address)
    {
        _connector = connector;
        _backoff = backoff;
        _role = role;
        _address = address;

        Receive<Attempt>(_ => Begin());
        Receive<Opened>(OnOpened);
        Receive<NotOpened>(OnNotOpened);
        Receive<Lost>(OnLost);
        Receive<BlockedChanged>(message =>
        {
            if (_state.Concerns(message.Epoch, LinkPhase.Up))
            {
                _owner.Tell(new LinkBlocked(message.Epoch, message.Blocked));
            }
        });
        Receive<LinkHealthy>(message => OnHealthy(message.Epoch));
        Receive<ResetLink>(message =>
        {
            if (_state.Concerns(message.Epoch, LinkPhase.Up))
            {
                Lose(message.End);
            }
        });
        Receive<Stood>(message => OnHealthy(message.Epoch));
        Receive<CloseLink>(_ => Close());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Begin();

    protected override void PostStop()
    {
        _stop.Cancel();
        _stop.Dispose();
        if (_connection is { } connection)
        {
            _ = CloseQuietlyAsync(connection);
        }
    }

    // A restart keeps nothing: the owner hears of the loss, and PreStart begins anew.
    protected override void PreRestart(Exception reason, object message)
    {
        _owner.Tell(new LinkDown(_state.Epoch, new SessionEnd("the link restarts", Unreadable: false)));
        base.PreRestart(reason, message);
    }

    private void Begin()
    {
        if (_state.Phase != LinkPhase.Waiting)
        {
            return;
        }

        _state = _state.Begin();
        var epoch = _state.Epoch;
        ConnectAsync(_connector, _role, _stop.Token).PipeTo(
            Self,
            success: connection => new Opened(epoch, connection),
            failure: cause => new NotOpened(epoch, cause));
    }

    private static async Task<IConnection> ConnectAsync(IRabbitConnector connector, string role, CancellationToken stop)
    {
        var connection = await connector.ConnectAsync(role, stop).ConfigureAwait(false);
        if (stop.IsCancellationRequested)
        {
            // Nobody is left to close it.
            await CloseQuietlyAsync(connection).ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
        }

        return connection;
    }

    private void OnOpened(Opened message)
    {
        if (!_state.Concerns(message.Epoch, LinkPhase.Connecting))
        {
            _ = CloseQuietlyAsync(message.Connection);
            return;
        }

        var self = Self;
        var epoch = message.Epoch;
        var connection = message.Connection;
        connection.ConnectionShutdownAsync += (_, args) => Report(new Lost(epoch, SessionEnd.Of(args)));
        connection.ConnectionBlockedAsync += (_, _) => Report(new BlockedChanged(epoch, true));
        connection.ConnectionUnblockedAsync += (_, _) => Report(new BlockedChanged(epoch, false));
        _state = _state.Connected();
        _connection = connection;
        if (_state.Unreadable == 0)
        {
            _log.Info("The {Role} is connected to {Broker} (connection {Epoch})", _role, _address, epoch);
        }

        _owner.Tell(new LinkUp(epoch, connection));

        // An owner without work has nothing to call healthy, but a connection that stood longer than any wait is no failing one.
        Timers.StartSingleTimer(nameof(Stood), new Stood(epoch), _backoff.Max);
        if (!connection.IsOpen)
        {
            // It ended before the handler above was attached.
            self.Tell(new Lost(
                epoch, connection.CloseReason is { } reason ? SessionEnd.Of(reason) : new SessionEnd("it was closed at once", Unreadable: false)));
        }

        Task Report(object news)
        {
            self.Tell(news);
            return Task.CompletedTask;
        }
    }

    private void OnNotOpened(NotOpened message)
    {
        if (!_state.Concerns(message.Epoch, LinkPhase.Connecting))
        {
            return;
        }

        var wait = Retry(unreadable: false);
        if (BrokerAbsence.Of(Context.System).IsNews(_address))
        {
            _log.Warning(
                "The {Role} cannot connect to {Broker} (RabbitMq:Uri): {Reason}. It tries again in {Seconds} s, then at longer intervals",
                _role, _address, Innermost(message.Cause), Seconds(wait));
        }
    }

    // A connection that is only open may be closed at once, again and again: its loss is no news before it was of use.
    private void OnHealthy(long epoch)
    {
        _state = _state.Healthy(epoch);
        if (epoch == _state.Epoch)
        {
            BrokerAbsence.Of(Context.System).Ended(_address);
        }
    }

    private void OnLost(Lost message)
    {
        if (_state.Concerns(message.Epoch, LinkPhase.Up))
        {
            Lose(message.End);
        }
    }

    private void Lose(SessionEnd end)
    {
        var epoch = _state.Epoch;
        if (_connection is { } connection)
        {
            _connection = null;
            _ = CloseQuietlyAsync(connection);
        }

        var wait = Retry(end.Unreadable);
        if ((_state.Unreadable is 0 or 1 || wait > TimeSpan.Zero) && BrokerAbsence.Of(Context.System).IsNews(_address))
        {
            _log.Warning(
                "The {Role} lost connection {Epoch} to {Broker}: {Reason}. It tries again in {Seconds} s", _role, epoch, _address, end.Reason, Seconds(wait));
        }
        else
        {
            _log.Debug("The {Role} lost connection {Epoch} to {Broker} in the same way", _role, epoch, _address);
        }

        _owner.Tell(new LinkDown(epoch, end));
    }

    private TimeSpan Retry(bool unreadable)
    {
        Timers.Cancel(nameof(Stood));
        _state = _state.Failed(unreadable);
        var wait = _state.Wait(_backoff, Random.Shared.NextDouble());
        Timers.StartSingleTimer(nameof(Attempt), Attempt.Instance, wait);
        return wait;
    }

    private void Close()
    {
        var sender = Sender;
        Timers.CancelAll();
        _state = _state.Stopped();
        var connection = _connection;
        _connection = null;
        (connection is null ? Task.CompletedTask : CloseQuietlyAsync(connection)).PipeTo(
            sender,
            Self,
            success: () => LinkClosed.Instance,
            failure: _ => LinkClosed.Instance);
    }

    private static async Task CloseQuietlyAsync(IConnection connection)
    {
        try
        {
            if (connection.IsOpen)
            {
                await connection.CloseAsync(200, "FerActors closes this connection", CloseTimeout, abort: true, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception)
        {
            // It is being given up: how it ends is of no interest.
        }

        try
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // As above.
        }
    }

    private static int Seconds(TimeSpan wait) => (int)Math.Ceiling(wait.TotalSeconds);

    private static string Innermost(Exception cause)
    {
        var inner = cause.GetBaseException();
        return ReferenceEquals(inner, cause) ? cause.Message : $"{cause.Message} ({inner.Message})";
    }

    private sealed record Opened(long Epoch, IConnection Connection) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record NotOpened(long Epoch, Exception Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record Lost(long Epoch, SessionEnd End) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record BlockedChanged(long Epoch, bool Blocked) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record Stood(long Epoch) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed class Attempt : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private Attempt()
        {
        }

        public static Attempt Instance { get; } = new();
    }
}
