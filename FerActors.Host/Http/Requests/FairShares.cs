namespace FerActors.Host.Http.Requests;

/// <summary>
/// A bound on what is done at once, shared among callers so that none can take all of it. A place goes to the caller who has the fewest;
/// who gets none waits in a queue of its own. With a reserve, a caller may not hold more places than are free: one alone has half of
/// them, of many each has its equal part, and whoever comes new finds one.
/// </summary>
/// <param name="places">Places, at least 1.</param>
/// <param name="keepsReserve">Whether places are kept for callers who come later; needed where a caller may hold a place for long.</param>
/// <param name="maxQueued">Requests of one caller that may wait; 0 lets none wait.</param>
/// <param name="maxQueuedInAll">Requests of all callers that may wait; where it is reached, the longest queue makes room for a shorter one.</param>
/// <param name="time">The clock.</param>
internal sealed class FairShares(int places, bool keepsReserve, int maxQueued, int maxQueuedInAll, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Caller> _callers = new(StringComparer.Ordinal);
    private int _taken;
    private int _waiting;
    private long _turns;

    /// <summary>Takes a place, or waits for one.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="patience">Longest wait.</param>
    /// <param name="aborted">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The place, given back when disposed; <see langword="null"/> where the queue was full or the wait too long.</returns>
    public async Task<IDisposable?> EnterAsync(string caller, TimeSpan patience, CancellationToken aborted)
    {
        Turn turn;
        lock (_gate)
        {
            if (!_callers.TryGetValue(caller, out var entry))
            {
                _callers.Add(caller, entry = new Caller(caller));
            }

            if (entry.Waiting.Count == 0 && MayEnter(entry))
            {
                Take(entry);
                return new Place(this, entry);
            }

            if (entry.Waiting.Count >= maxQueued || !MakeRoom(entry))
            {
                Forget(entry);
                return null;
            }

            turn = new Turn(_turns++);
            entry.Waiting.AddLast(turn);
            _waiting++;
        }

        try
        {
            return PlaceOf(turn, await turn.Granted.Task.WaitAsync(patience, time, aborted));
        }
        catch (TimeoutException)
        {
            // The place may have come at the last moment; it must not get lost.
            return Withdraw(caller, turn) ? null : PlaceOf(turn, await turn.Granted.Task);
        }
        catch (OperationCanceledException)
        {
            if (!Withdraw(caller, turn))
            {
                PlaceOf(turn, await turn.Granted.Task)?.Dispose();
            }

            throw;
        }
    }

    private Place? PlaceOf(Turn turn, bool granted) => granted ? new Place(this, turn.Caller!) : null;

    private bool MayEnter(Caller caller)
    {
        var free = places - _taken;
        return keepsReserve ? caller.Taken < free : free > 0;
    }

    private void Take(Caller caller)
    {
        caller.Taken++;
        _taken++;
    }

    private void Leave(Caller caller)
    {
        lock (_gate)
        {
            caller.Taken--;
            _taken--;
            Forget(caller);

            // Whoever has the fewest places may enter if anybody may.
            while (_waiting > 0
                && _callers.Values.Where(c => c.Waiting.Count > 0).MinBy(c => (c.Taken, c.Waiting.First!.Value.Number)) is { } next
                && MayEnter(next))
            {
                var turn = next.Waiting.First!.Value;
                next.Waiting.RemoveFirst();
                _waiting--;
                Take(next);
                turn.Caller = next;
                turn.Granted.SetResult(true);
            }
        }
    }

    private bool MakeRoom(Caller caller)
    {
        if (_waiting < maxQueuedInAll)
        {
            return true;
        }

        if (_callers.Values.MaxBy(c => c.Waiting.Count) is not { } longest || longest.Waiting.Count <= caller.Waiting.Count + 1)
        {
            return false;
        }

        var last = longest.Waiting.Last!.Value;
        longest.Waiting.RemoveLast();
        _waiting--;
        last.Granted.SetResult(false);
        return true;
    }

    private bool Withdraw(string caller, Turn turn)
    {
        lock (_gate)
        {
            if (!_callers.TryGetValue(caller, out var entry) || !entry.Waiting.Remove(turn))
            {
                return false;
            }

            _waiting--;
            Forget(entry);
            return true;
        }
    }

    private void Forget(Caller caller)
    {
        if (caller is { Taken: 0, Waiting.Count: 0 })
        {
            _callers.Remove(caller.Name);
        }
    }

    private sealed class Caller(string name)
    {
        public string Name => name;

        public int Taken { get; set; }

        public LinkedList<Turn> Waiting { get; } = [];
    }

    private sealed class Turn(long number)
    {
        public long Number => number;

        public TaskCompletionSource<bool> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Caller? Caller { get; set; }
    }

    private sealed class Place(FairShares shares, Caller caller) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                shares.Leave(caller);
            }
        }
    }
}
