using System.Collections.Immutable;

namespace FerActors.Host.Messaging;

/// <summary>
/// Every result between its submission and the broker's confirm. Results are kept across sessions and sent again with the same
/// message id, so that none is lost; they are bounded by what the consumer may have in flight. Pure.
/// </summary>
public sealed record PublisherState
{
    private const int MaxResultsQueueMisses = 3;

    private PublisherState(int maxOutstanding, string? declaredQueue)
    {
        MaxOutstanding = maxOutstanding;
        DeclaredQueue = declaredQueue;
    }

    public int MaxOutstanding { get; }

    /// <summary>The queue that every new session declares, so that its absence is cured by one; absent where nothing is declared.</summary>
    public string? DeclaredQueue { get; }

    public bool IsUp => Session != 0;

    /// <summary>The broker refuses publications for the moment (memory or disk alarm).</summary>
    public bool IsBlocked { get; private init; }

    /// <summary>Results submitted and not yet reported, waiting or outstanding.</summary>
    public int Pending => Waiting.Count + Outstanding.Count;

    public int InAir => Outstanding.Count;

    public long Published { get; private init; }

    /// <summary>Attempts beyond the first of their result.</summary>
    public long Republished { get; private init; }

    private long Session { get; init; }

    private long LastAttempt { get; init; }

    // After a broker's refusal, until the retry is due.
    private bool Paused { get; init; }

    // The channel was closed over one of several outstanding results: they go one by one until the culprit is found.
    private bool Cautious { get; init; }

    private ImmutableList<Item> Waiting { get; init; } = [];

    private ImmutableSortedDictionary<long, Item> Outstanding { get; init; } = ImmutableSortedDictionary<long, Item>.Empty;

    /// <param name="maxOutstanding">Results that may await their confirm at once.</param>
    /// <param name="declaredQueue">See <see cref="DeclaredQueue"/>.</param>
    public static PublisherState Create(int maxOutstanding, string? declaredQueue) => new(maxOutstanding, declaredQueue);

    /// <summary>A result is to be published; one of the same delivery that is still pending makes it a no-op.</summary>
    public PublisherStep Submit(PendingResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return Waiting.Any(item => item.Result.Key == result.Key) || Outstanding.Values.Any(item => item.Result.Key == result.Key)
            ? Unchanged()
            : (this with { Waiting = Waiting.Add(new Item(result, 0, 0, 0)) }).Pump([]);
    }

    public PublisherStep SessionUp(long session) => (this with { Session = session, IsBlocked = false, Paused = false }).Pump([]);

    /// <summary>The session is gone; what it had outstanding is sent again on the next.</summary>
    public PublisherStep SessionDown(long session) => session == Session && session != 0
        ? new PublisherStep(Recall() with { Session = 0, IsBlocked = false }, [])
        : Unchanged();

    public PublisherStep Blocked(long session, bool blocked) => session == Session
        ? (this with { IsBlocked = blocked }).Pump([])
        : Unchanged();

    public PublisherStep RetryDue() => (this with { Paused = false }).Pump([]);

    /// <summary>The broker confirmed an attempt, possibly one that had been given up.</summary>
    public PublisherStep Confirmed(long attempt)
    {
        var (next, item) = Take(attempt);
        return item is null
            ? Unchanged()
            : (next with { Published = Published + 1 }).Pump([new PublisherEffect.ReportPublished(item.Result.Key)]);
    }

    /// <summary>The broker returned an attempt: no queue has that name.</summary>
    public PublisherStep Unroutable(long attempt)
    {
        var (next, item) = Take(attempt);
        if (item is null)
        {
            return Unchanged();
        }

        var queue = item.Result.Queue;
        if (queue == DeclaredQueue && item.Misses + 1 < MaxResultsQueueMisses)
        {
            next = next with { Waiting = next.Waiting.Insert(0, item with { Misses = item.Misses + 1 }) };
            return next.Reset($"the queue {queue} is gone, and the next session declares it");
        }

        return next.Pump([new PublisherEffect.ReportUnroutable(item.Result.Key, queue)]);
    }

    /// <summary>The broker refused an attempt (a full queue, or no leader): pause, then try again.</summary>
    public PublisherStep Refused(long attempt)
    {
        var (next, item) = Take(attempt);
        if (item is null)
        {
            return Unchanged();
        }

        next = next with { Waiting = next.Waiting.Insert(0, item), Paused = true };
        return new PublisherStep(next, Paused ? [] : [new PublisherEffect.RetryLater()]);
    }

    /// <summary>No confirm came in time.</summary>
    public PublisherStep TimedOut(long attempt)
    {
        if (!Outstanding.ContainsKey(attempt))
        {
            return Unchanged();
        }

        // Under an alarm a publication waits inside the client and was never sent: the session is sound.
        if (IsBlocked)
        {
            var (next, item) = Take(attempt);
            return new PublisherStep(next with { Waiting = next.Waiting.Insert(0, item!) }, []);
        }

        return Recall().Reset("the broker confirmed no result in time");
    }

    /// <summary>The session broke under an attempt.</summary>
    public PublisherStep Broken(long attempt, string reason) =>
        Outstanding.ContainsKey(attempt) ? Recall().Reset(reason) : Unchanged();

    /// <summary>The broker closed the channel over the content of an outstanding result, for instance its size.</summary>
    public PublisherStep ContentRefused(long attempt, string reason)
    {
        if (!Outstanding.ContainsKey(attempt))
        {
            return Unchanged();
        }

        if (Outstanding.Count > 1)
        {
            return (Recall() with { Cautious = true }).Reset(reason);
        }

        var (next, item) = Take(attempt);
        var step = next.Reset(reason);
        return step with { Effects = step.Effects.Insert(0, new PublisherEffect.ReportFailed(item!.Result.Key, reason)) };
    }

    /// <summary>The client library cannot even send it.</summary>
    public PublisherStep Impossible(long attempt, string reason)
    {
        var (next, item) = Take(attempt);
        return item is null ? Unchanged() : next.Pump([new PublisherEffect.ReportFailed(item.Result.Key, reason)]);
    }

    private PublisherStep Unchanged() => new(this, []);

    private PublisherStep Reset(string reason) => Session == 0
        ? Unchanged()
        : new PublisherStep(Recall() with { Session = 0, IsBlocked = false }, [new PublisherEffect.ResetSession(reason)]);

    private PublisherState Recall() => this with
    {
        Waiting = Waiting.InsertRange(0, Outstanding.Values),
        Outstanding = Outstanding.Clear(),
    };

    // A late confirm of an attempt that was given up is as good as any: it saves the duplicate.
    private (PublisherState Next, Item? Item) Take(long attempt)
    {
        if (Outstanding.TryGetValue(attempt, out var item))
        {
            return (this with { Outstanding = Outstanding.Remove(attempt) }, item);
        }

        item = Waiting.Find(waiting => waiting.LastAttempt == attempt && attempt != 0);
        return (item is null ? this : this with { Waiting = Waiting.Remove(item) }, item);
    }

    private PublisherStep Pump(ImmutableArray<PublisherEffect> before)
    {
        var state = Waiting.IsEmpty && Outstanding.IsEmpty ? this with { Cautious = false } : this;
        if (state.Session == 0 || state.IsBlocked || state.Paused)
        {
            return new PublisherStep(state, before);
        }

        var effects = before.ToBuilder();
        var room = (state.Cautious ? 1 : MaxOutstanding) - state.Outstanding.Count;
        for (; room > 0 && !state.Waiting.IsEmpty; room--)
        {
            var attempt = state.LastAttempt + 1;
            var item = state.Waiting[0];
            state = state with
            {
                LastAttempt = attempt,
                Republished = state.Republished + (item.Attempts > 0 ? 1 : 0),
                Waiting = state.Waiting.RemoveAt(0),
                Outstanding = state.Outstanding.Add(attempt, item with { LastAttempt = attempt, Attempts = item.Attempts + 1 }),
            };
            effects.Add(new PublisherEffect.Send(attempt, item.Result));
        }

        return new PublisherStep(state, effects.ToImmutable());
    }

    private sealed record Item(PendingResult Result, long LastAttempt, int Attempts, int Misses);
}
