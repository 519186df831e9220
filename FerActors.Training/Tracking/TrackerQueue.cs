using System.Globalization;
using System.Threading.Channels;

namespace FerActors.Training.Tracking;

/// <summary>
/// Stands between a run and one tracker: the run hands over and goes on, and whatever the tracker does (throw, hang, be away for an
/// hour) costs the run nothing but one warning. What is waiting is bounded; beyond it metrics are dropped and counted.
/// </summary>
internal sealed class TrackerQueue : IAsyncDisposable
{
    /// <summary>Metrics in one call.</summary>
    public const int MaxBatch = 1000;

    /// <summary>Metrics that wait at most.</summary>
    public const int Capacity = 10_000;

    private readonly IRunTracker _tracker;
    private readonly Action<string> _say;
    private readonly Func<TimeSpan, CancellationToken, Task> _wait;
    private readonly TimeSpan _patience;
    private readonly Channel<Item> _items = Channel.CreateUnbounded<Item>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _pump;
    private TrackerHealth _health = TrackerHealth.Good;
    private int _waiting;
    private long _lost;

    /// <param name="tracker">Owned, and disposed with the queue.</param>
    /// <param name="say">Told the one warning, and at the end what was lost. Called on pool threads.</param>
    /// <param name="patience">How long the end of a run waits for the tracker.</param>
    /// <param name="wait">Waits before another attempt.</param>
    public TrackerQueue(IRunTracker tracker, Action<string> say, TimeSpan patience, Func<TimeSpan, CancellationToken, Task>? wait = null)
    {
        _tracker = tracker;
        _say = say;
        _patience = patience;
        _wait = wait ?? Task.Delay;
        _pump = Task.Run(PumpAsync);
    }

    public void Start(TrackedRun run) => _items.Writer.TryWrite(new Item.Call((t, c) => t.StartAsync(run, c), Essential: true));

    public void Log(TrackedMetric metric)
    {
        if (Interlocked.Increment(ref _waiting) > Capacity)
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Increment(ref _lost);
            return;
        }

        _items.Writer.TryWrite(new Item.Metric(metric));
    }

    public void Artifact(string path, string name) =>
        _items.Writer.TryWrite(new Item.Call((t, c) => t.LogArtifactAsync(path, name, c), Essential: false));

    public void End(RunStatus status) => _items.Writer.TryWrite(new Item.Call((t, c) => t.EndAsync(status, c), Essential: false));

    /// <summary>Waits for what is left, but not longer than the patience.</summary>
    public async ValueTask DisposeAsync()
    {
        _items.Writer.TryComplete();
        try
        {
            await _pump.WaitAsync(_patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var lost = Interlocked.Read(ref _lost);
        if (lost > 0)
        {
            _say(string.Create(CultureInfo.InvariantCulture, $"{_tracker.Name}: {lost:N0} records of this run were lost."));
        }

        try
        {
            await _tracker.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _say($"{_tracker.Name} could not be closed: {e.Message}");
        }

        _stop.Dispose();
    }

    private async Task PumpAsync()
    {
        var reader = _items.Reader;
        var batch = new List<TrackedMetric>();
        while (await reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            while (reader.TryRead(out var item))
            {
                if (item is Item.Call call)
                {
                    await PerformAsync(call.Perform, call.Essential, 1).ConfigureAwait(false);
                    continue;
                }

                batch.Clear();
                batch.Add(((Item.Metric)item).Value);
                while (batch.Count < MaxBatch && reader.TryPeek(out var next) && next is Item.Metric && reader.TryRead(out next))
                {
                    batch.Add(((Item.Metric)next).Value);
                }

                await PerformAsync((t, c) => t.LogAsync(batch, c), essential: false, batch.Count).ConfigureAwait(false);
                Interlocked.Add(ref _waiting, -batch.Count);
            }
        }
    }

    private async Task PerformAsync(Func<IRunTracker, CancellationToken, Task> perform, bool essential, int records)
    {
        while (!_health.GivenUp && !_stop.IsCancellationRequested)
        {
            try
            {
                await perform(_tracker, _stop.Token).ConfigureAwait(false);
                _health = _health.Succeeded();
                return;
            }
            catch (Exception e)
            {
#pragma warning disable CA5394 // Jitter is no secret.
                var (next, warn, wait) = _health.Failed(e is TrackerRefusedException, essential, Random.Shared.NextDouble());
#pragma warning restore CA5394
                _health = next;
                if (warn)
                {
                    _say($"{_tracker.Name}: {e.Message} The run goes on all the same.");
                }

                if (wait is not { } pause)
                {
                    break;
                }

                await _wait(pause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        Interlocked.Add(ref _lost, records);
    }

    private abstract record Item
    {
        public sealed record Metric(TrackedMetric Value) : Item;

        public sealed record Call(Func<IRunTracker, CancellationToken, Task> Perform, bool Essential) : Item;
    }
}
