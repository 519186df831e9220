using System.Collections.Immutable;
using System.Diagnostics;
using FerActors.Inference.Pipeline;
using RabbitMQ.Client;

namespace FerActors.Host.Results;

/// <summary>
/// Every result between its submission and the broker's confirm. Results are kept across sessions and sent again with the same
/// message id, so that none is lost; they are bounded by what the consumer may have in flight. Pure.
/// </summary>
public sealed record PublisherState
{
    private const int MaxResultsQueueMisses = 3;

    // Rounds of refusals after which a stranger's own queue is taken for full; the results queue is waited for without an end.
    private const int MaxReplyRefusals = 5;

    // Rounds of refusals after which the session is opened anew, and again after twice as many, and so on.
    private const int FirstReopening = 4;

    // Strangers choose the names of reply queues.
    private const int MaxRefusingQueues = 256;

    private PublisherState(int maxOutstanding, string? declaredQueue, string? resultsQueue)
    {
        MaxOutstanding = maxOutstanding;
        DeclaredQueue = declaredQueue;
        ResultsQueue = resultsQueue;
    }

    public int MaxOutstanding { get; }

    /// <summary>The queue that every new session declares, so that its absence is cured by one; absent where nothing is declared.</summary>
    public string? DeclaredQueue { get; }

    /// <summary>The queue of all results that name none of their own.</summary>
    public string? ResultsQueue { get; }

    public bool IsUp => Session != 0;

    /// <summary>The broker refuses publications for the moment (memory or disk alarm).</summary>
    public bool IsBlocked { get; private init; }

    /// <summary>Results submitted and not yet reported, waiting or outstanding.</summary>
    public int Pending => Waiting.Count + Outstanding.Count + Resting.Count;

    public int InAir => Outstanding.Count;

    public long Published { get; private init; }

    /// <summary>Attempts beyond the first of their result.</summary>
    public long Republished { get; private init; }

    private long Session { get; init; }

    private long LastAttempt { get; init; }

    // Refused by the broker; the others go on until the retry of these is due.
    private ImmutableList<Item> Resting { get; init; } = [];

    // Rounds of refusals of a queue since it last took a result.
    private ImmutableDictionary<string, int> Refusals { get; init; } = ImmutableDictionary<string, int>.Empty;

    // The channel was closed over one of several outstanding results: they go one by one until the culprit is found.
    private bool Cautious { get; init; }

    private ImmutableList<Item> Waiting { get; init; } = [];

    private ImmutableSortedDictionary<long, Item> Outstanding { get; init; } = ImmutableSortedDictionary<long, Item>.Empty;

    /// <param name="maxOutstanding">Results that may await their confirm at once.</param>
    /// <param name="declaredQueue">See <see cref="DeclaredQueue"/>.</param>
    /// <param name="resultsQueue">See <see cref="ResultsQueue"/>; by default the declared one.</param>
    public static PublisherState Create(int maxOutstanding, string? declaredQueue, string? resultsQueue = null) =>
        new(maxOutstanding, declaredQueue, resultsQueue ?? declaredQueue);

    /// <summary>A result is to be published; one of the same delivery that is still pending makes it a no-op.</summary>
    public PublisherStep Submit(PendingResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return Waiting.Concat(Outstanding.Values).Concat(Resting).Any(item => item.Result.Key == result.Key)
            ? Unchanged()
            : (this with { Waiting = Waiting.Add(new Item(result, 0, 0, 0)) }).Pump([]);
    }

    public PublisherStep SessionUp(long session) => (Rested() with { Session = session, IsBlocked = false }).Pump([]);

    /// <summary>The session is gone; what it had outstanding is sent again on the next.</summary>
    public PublisherStep SessionDown(long session) => session == Session && session != 0
        ? new PublisherStep(Recall() with { Session = 0, IsBlocked = false }, [])
        : Unchanged();

    public PublisherStep Blocked(long session, bool blocked) => session == Session
        ? (this with { IsBlocked = blocked }).Pump([])
        : Unchanged();

    /// <summary>
    /// The pause after a refusal is over. A broker may go on refusing on one channel after the cause is gone (RabbitMQ 3.10 with a policy
    /// that was cleared), so that repeated refusals also cost the session.
    /// </summary>
    public PublisherStep RetryDue()
    {
        var next = this;
        foreach (var queue in Resting.Select(item => item.Result.Queue).Distinct(StringComparer.Ordinal))
        {
            next = next.CountRefusal(queue);
        }

        var stubborn = Resting.Select(item => item.Result.Queue).FirstOrDefault(queue => IsReopening(next.Refusals[queue]));
        next = next.Rested();
        return stubborn is null ? next.Pump([]) : next.Reopen(stubborn, []);
    }

    /// <summary>The broker confirmed an attempt, possibly one that had been given up.</summary>
    public PublisherStep Confirmed(long attempt)
    {
        var (next, item) = Take(attempt);
        return item is null
            ? Unchanged()
            : (next with { Published = Published + 1, Refusals = Refusals.Remove(item.Result.Queue) })
                .Pump([new PublisherEffect.ReportPublished(item.Result.Key)]);
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

    /// <summary>
    /// The broker refused an attempt (a full queue, or no leader): pause, then try again. The queue of a stranger that stays full must
    /// not hold others up: its results are given up after some rounds.
    /// </summary>
    public PublisherStep Refused(long attempt)
    {
        var (next, item) = Take(attempt);
        if (item is null)
        {
            return Unchanged();
        }

        var queue = item.Result.Queue;
        if (queue != ResultsQueue && Refusals.GetValueOrDefault(queue) >= MaxReplyRefusals)
        {
            next = next.CountRefusal(queue);
            ImmutableArray<PublisherEffect> report = [new PublisherEffect.ReportFailed(item.Result.Key, $"the queue {queue} takes no more")];
            return IsReopening(next.Refusals[queue]) ? next.Reopen(queue, report) : next.Pump(report);
        }

        return (next with { Resting = Resting.Add(item) }).Pump(Resting.IsEmpty ? [new PublisherEffect.RetryLater()] : []);
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

    private static bool IsReopening(int rounds) => rounds >= FirstReopening && int.IsPow2(rounds);

    private PublisherStep Reopen(string queue, ImmutableArray<PublisherEffect> before)
    {
        var step = Reset($"the broker has refused what goes to {queue} {Refusals[queue]} times in a row, and may take it on a fresh channel");
        return step with { Effects = before.AddRange(step.Effects) };
    }

    private PublisherState CountRefusal(string queue)
    {
        var known = Refusals.Count >= MaxRefusingQueues && !Refusals.ContainsKey(queue) ? Refusals.Remove(Refusals.Keys.First()) : Refusals;
        return this with { Refusals = known.SetItem(queue, known.GetValueOrDefault(queue) + 1) };
    }

    private PublisherState Rested() => this with { Waiting = Waiting.AddRange(Resting), Resting = [] };

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

        item = attempt == 0 ? null : Waiting.Concat(Resting).FirstOrDefault(waiting => waiting.LastAttempt == attempt);
        return (item is null ? this : this with { Waiting = Waiting.Remove(item), Resting = Resting.Remove(item) }, item);
    }

    private PublisherStep Pump(ImmutableArray<PublisherEffect> before)
    {
        var state = Pending == 0 ? this with { Cautious = false } : this;
        if (state.Session == 0 || state.IsBlocked)
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

/// <summary>The state after an event, and what is to be done about it, in this order.</summary>
public sealed record PublisherStep(PublisherState State, ImmutableArray<PublisherEffect> Effects);

/// <summary>What the publisher actor has to do after a step of <see cref="PublisherState"/>.</summary>
public abstract record PublisherEffect
{
    private PublisherEffect()
    {
    }

    /// <summary>Publish it and report how that attempt ended.</summary>
    public sealed record Send(long Attempt, PendingResult Result) : PublisherEffect;

    /// <summary>The broker has it.</summary>
    public sealed record ReportPublished(DeliveryKey Key) : PublisherEffect;

    /// <summary>No queue of that name exists.</summary>
    public sealed record ReportUnroutable(DeliveryKey Key, string Queue) : PublisherEffect;

    /// <summary>The broker will never take it.</summary>
    public sealed record ReportFailed(DeliveryKey Key, string Reason) : PublisherEffect;

    /// <summary>Give the session up and open another.</summary>
    public sealed record ResetSession(string Reason) : PublisherEffect;

    /// <summary>Come back with <see cref="PublisherState.RetryDue"/> after a pause.</summary>
    public sealed record RetryLater : PublisherEffect;
}

/// <summary>A result on its way to the broker.</summary>
/// <param name="Key">The delivery that it answers.</param>
/// <param name="Queue">Where it goes, through the default exchange.</param>
/// <param name="MessageId">The request's id; every attempt carries the same.</param>
/// <param name="CorrelationId">The request's, if any.</param>
/// <param name="ModelVersion">The model that answered, if one did.</param>
/// <param name="Body">The JSON.</param>
/// <param name="Trace">The span of the delivery.</param>
public sealed record PendingResult(
    DeliveryKey Key,
    string Queue,
    string MessageId,
    string? CorrelationId,
    string? ModelVersion,
    ReadOnlyMemory<byte> Body,
    ActivityContext Trace = default)
{
    /// <summary>Set where this is no result but a dead letter: the properties of the message as sent.</summary>
    public IReadOnlyBasicProperties? Envelope { get; init; }

    /// <summary>Why it is a dead letter.</summary>
    public string? Reason { get; init; }
}
