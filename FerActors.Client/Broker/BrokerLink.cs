using Microsoft.Extensions.Logging;

namespace FerActors.Client.Broker;

/// <summary>Keeps a session with the broker, from the first request on: opens the next one, after a wait, where one ends.</summary>
/// <param name="settings">How to connect.</param>
/// <param name="open">Opens a session; throws a <see cref="BrokerException"/> where it cannot.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Gets what happens to the connection.</param>
internal sealed class BrokerLink(
    BrokerSettings settings, Func<CancellationToken, Task<BrokerSession>> open, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private TaskCompletionSource<BrokerSession> _offer = New();
    private Task? _running;

    /// <summary>Why the last attempt failed, or why the last session ended; absent while there is a session.</summary>
    public string? Fault { get; private set; }

    /// <summary>The session, as soon as there is one.</summary>
    /// <exception cref="BrokerException">The broker refuses this client.</exception>
    public Task<BrokerSession> SessionAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            _running ??= Task.Run(RunAsync, CancellationToken.None);
            return _offer.Task.WaitAsync(cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task? running;
        lock (_lock)
        {
            running = _running;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (running is not null)
        {
            await running.ConfigureAwait(false);
        }
    }

    private static TaskCompletionSource<BrokerSession> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var session = await open(_stop.Token).ConfigureAwait(false);
                failures = await KeepAsync(session).ConfigureAwait(false) ? 1 : failures + 1;
            }
            catch (BrokerException e)
            {
                failures++;
                Fault = e.Message;
                if (e.IsRefusal)
                {
                    // Those who wait learn it now, and those who come before the next attempt learn it at once.
                    lock (_lock)
                    {
                        _offer.TrySetException(e);
                        _ = _offer.Task.Exception;
                    }
                }
            }
            catch (OperationCanceledException)
            {
                break;
            }

            await PauseAsync(failures).ConfigureAwait(false);
        }
    }

    // Whether the session was of use.
    private async Task<bool> KeepAsync(BrokerSession session)
    {
        log.LogInformation("Connected to the broker at {Host}; results come to {Queue}", settings.Address.Host, session.ReplyQueue);
        Fault = null;
        lock (_lock)
        {
            _offer.TrySetResult(session);
        }

        try
        {
            Fault = $"The connection to the broker ended: {(await session.Closed.WaitAsync(_stop.Token).ConfigureAwait(false)).Reason}.";
        }
        finally
        {
            lock (_lock)
            {
                _offer = New();
            }

            session.Withdraw();
            var closing = session.DisposeAsync().AsTask();
            if (_stop.IsCancellationRequested)
            {
                await closing.ConfigureAwait(false);
            }
        }

        return session.WasUseful;
    }

    private async Task PauseAsync(int failures)
    {
        var wait = settings.Backoff.Delay(failures, Random.Shared.NextDouble());
        log.LogWarning("{Fault} The next attempt comes in {Wait:0.0} s", Fault, wait.TotalSeconds);
        try
        {
            await Task.Delay(wait, clock, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        lock (_lock)
        {
            if (_offer.Task.IsFaulted)
            {
                _offer = New();
            }
        }
    }
}
