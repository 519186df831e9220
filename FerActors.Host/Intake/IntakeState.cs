using System.Collections.Immutable;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Messaging;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Intake;

/// <summary>
/// Every delivery between its arrival and its settlement, and the decisions about them. Pure: each method returns the next
/// state and what is to be done.
/// </summary>
/// <remarks>
/// <para>A delivery is settled only on the session that delivered it. When a session is lost, the work on its deliveries goes
/// on as an orphan. The broker redelivers the message; the redelivery then either adopts the orphan (its confirm settles the
/// new tag) or finds its identity in the ledger (the result was confirmed meanwhile) and is acknowledged at once.</para>
/// <para>A redelivered message that is neither is suspect: it may have ended another process. It waits until nothing else is
/// in flight, and runs with nothing beside it. What arrives behind it waits as well, so that it is not starved.</para>
/// </remarks>
public sealed record IntakeState
{
    // Fresh deliveries, one at a time, after a delivery that ended the session: other nodes may still hand the culprit on.
    private const int CarefulDeliveries = 32;

    private static readonly TimeSpan LedgerAge = TimeSpan.FromHours(1);

    private IntakeState(int prefetch, TimeSpan outcomeTimeout)
    {
        Prefetch = prefetch;
        OutcomeTimeout = outcomeTimeout;
        Ledger = new SettledLedger(Math.Max(4 * prefetch, 256), LedgerAge);
    }

    public int Prefetch { get; }

    public TimeSpan OutcomeTimeout { get; }

    public IntakeMode Mode { get; private init; } = IntakeMode.Down;

    /// <summary>The session whose tags are valid; 0 where there is none.</summary>
    public long Session { get; private init; }

    public IntakeCounters Counters { get; private init; } = new();

    public SettledLedger Ledger { get; private init; }

    /// <summary>Deliveries in a row that the pipeline kept too long, without an answer of the pipeline between.</summary>
    public int GivenUpInARow { get; private init; }

    private int Caution { get; init; }

    /// <summary>Deliveries that are not settled, and orphans.</summary>
    public int InFlight => Entries.Count;

    /// <summary>Deliveries that wait for a suspect, or are one that waits.</summary>
    public int Held => Waiting.Length;

    private ImmutableDictionary<DeliveryKey, Entry> Entries { get; init; } = ImmutableDictionary<DeliveryKey, Entry>.Empty;

    private ImmutableArray<DeliveryKey> Waiting { get; init; } = [];

    /// <param name="prefetch">Deliveries that may be unsettled at once.</param>
    /// <param name="outcomeTimeout">A delivery that the pipeline keeps longer is returned to the queue.</param>
    public static IntakeState Create(int prefetch, TimeSpan outcomeTimeout) => new(prefetch, outcomeTimeout);

    /// <summary>A channel is open and may consume.</summary>
    public IntakeStep SessionUp(long session) => Mode == IntakeMode.Draining
        ? new IntakeStep(this with { Session = session }, [])
        : new IntakeStep(this with { Session = session, Mode = IntakeMode.Careful }, [new IntakeEffect.Consume(1)]);

    /// <summary>The channel is gone, and every tag with it.</summary>
    /// <param name="session">Which.</param>
    /// <param name="unreadable">
    /// A delivery ended it, since the client library cannot read it. It was charged to every open delivery; until the broker has
    /// dead-lettered it, one at a time is taken, so that it spends only its own budget.
    /// </param>
    public IntakeStep SessionDown(long session, bool unreadable = false)
    {
        if (session != Session || session == 0)
        {
            return Unchanged();
        }

        var entries = Entries;
        foreach (var (key, entry) in Entries)
        {
            // A settlement under way learns by itself how it ended.
            entries = entry.Stage switch
            {
                Stage.Held => entries.Remove(key),
                Stage.Settling => entries,
                _ => entries.SetItem(key, entry with { Tag = null, Identity = entry.Identity ?? entry.Delivery.Identity() }),
            };
        }

        return new IntakeStep(
            this with
            {
                Session = 0,
                Mode = Mode == IntakeMode.Draining ? IntakeMode.Draining : IntakeMode.Down,
                Entries = entries,
                Waiting = [],
                Caution = unreadable ? CarefulDeliveries : Caution,
                Counters = Counters with { SessionsLost = Counters.SessionsLost + (Entries.IsEmpty ? 0 : 1) },
            },
            []);
    }

    /// <summary>A message arrived.</summary>
    public IntakeStep Delivered(ImageDelivery delivery, Verdict verdict, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        if (delivery.Key.Epoch != Session)
        {
            return Unchanged();
        }

        var effects = ImmutableArray.CreateBuilder<IntakeEffect>();
        var counters = Counters with
        {
            Delivered = Counters.Delivered + 1,
            Redelivered = Counters.Redelivered + (delivery.Redelivered ? 1 : 0),
        };
        var next = this with { Counters = counters };
        if (!delivery.Redelivered && Mode == IntakeMode.Careful && Caution > 0)
        {
            next = next with { Caution = Caution - 1 };
        }
        else if (!delivery.Redelivered && Mode == IntakeMode.Careful)
        {
            next = next with { Mode = IntakeMode.Full };
            if (Prefetch > 1)
            {
                effects.Add(new IntakeEffect.OpenUp(Prefetch));
            }
        }

        if (delivery.Redelivered && next.TryDeduplicate(delivery, now, out var deduplicated, out var settle))
        {
            effects.AddRange(settle);
            return new IntakeStep(deduplicated, effects.ToImmutable());
        }

        switch (verdict)
        {
            case Verdict.DeadLetter { Reason: var reason } when delivery.CanBeCopied:
                next = next.Add(delivery, Stage.Burying, now, Settlement.Bury);
                effects.Add(new IntakeEffect.Warn(delivery.MessageId, reason));
                effects.Add(new IntakeEffect.Bury(delivery, reason));
                break;
            case Verdict.DeadLetter { Reason: var reason }:
                next = next.Add(delivery, Stage.Settling, now, Settlement.DeadLetter);
                effects.Add(new IntakeEffect.Warn(delivery.MessageId, reason));
                effects.Add(new IntakeEffect.Settle(delivery.Key, delivery.Key.Tag, Settlement.DeadLetter));
                break;
            case Verdict.Refuse { Code: var code, Message: var message }:
                next = next.Add(delivery, Stage.Publishing, now, Settlement.Acknowledge) with
                {
                    Counters = counters with { Refused = counters.Refused + 1 },
                };
                effects.Add(new IntakeEffect.PublishError(delivery, code, message));
                break;
            default:
                next = next.Add(delivery, Stage.Held, now, Settlement.Acknowledge) with { Waiting = Waiting.Add(delivery.Key) };
                next = next.Release(effects, now);
                break;
        }

        return new IntakeStep(next, effects.ToImmutable());
    }

    /// <summary>The pipeline answered.</summary>
    public IntakeStep Classified(DeliveryKey work, ClassificationResult result, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(result);
        // An answer that comes after its delivery was given up is dropped: the message itself is back in the queue.
        if (!Entries.TryGetValue(work, out var entry) || entry.Stage != Stage.Classifying)
        {
            return Unchanged();
        }

        // Where the publisher set no deadline, a node that is too busy is no reason for a lasting refusal: another may be free, or this
        // one later. An orphan's message comes again by itself.
        if (result.Error is { Code: ErrorCodes.Expired or ErrorCodes.Overloaded } busy && entry.Delivery.ExpiresAt is null)
        {
            var answered = this with { GivenUpInARow = 0 };
            var step = entry.Tag is null ? answered.Remove(work, Ledger, now) : answered.BeginSettling(work, entry, Settlement.Return);
            return step with { Effects = step.Effects.Insert(0, new IntakeEffect.Warn(entry.Delivery.MessageId, $"it goes back to the queue: {busy.Message}")) };
        }

        return new IntakeStep(
            this with { GivenUpInARow = 0, Entries = Entries.SetItem(work, entry with { Stage = Stage.Publishing }) },
            [new IntakeEffect.Publish(entry.Delivery, result)]);
    }

    /// <summary>The broker confirmed the result, or the copy for the dead-letter queue.</summary>
    public IntakeStep Published(DeliveryKey work, DateTimeOffset now)
    {
        if (!Entries.TryGetValue(work, out var entry) || entry.Stage is not (Stage.Publishing or Stage.Burying))
        {
            return Unchanged();
        }

        return entry.Tag is null
            ? Remove(work, Remember(entry, now), now)
            : BeginSettling(work, entry, entry.Stage == Stage.Burying ? Settlement.Bury : Settlement.Acknowledge);
    }

    /// <summary>The result's queue does not exist, or the broker can never take the result or the copy for the dead-letter queue.</summary>
    public IntakeStep NotPublishable(DeliveryKey work, string reason, DateTimeOffset now)
    {
        if (!Entries.TryGetValue(work, out var entry) || entry.Stage is not (Stage.Publishing or Stage.Burying))
        {
            return Unchanged();
        }

        var warning = new IntakeEffect.Warn(entry.Delivery.MessageId, reason);
        if (entry.Tag is not null && entry.Stage == Stage.Publishing && entry.Delivery.CanBeCopied)
        {
            return new IntakeStep(
                this with { Entries = Entries.SetItem(work, entry with { Stage = Stage.Burying, Settlement = Settlement.Bury }) },
                [warning, new IntakeEffect.Bury(entry.Delivery, reason)]);
        }

        // An orphan's message comes again, and will be dead-lettered then. What cannot be copied the broker dead-letters, without the reason.
        var step = entry.Tag is null ? Remove(work, Ledger, now) : BeginSettling(work, entry, Settlement.DeadLetter);
        return step with { Effects = step.Effects.Insert(0, warning) };
    }

    /// <summary>A settlement was handed to the connection, or could not be.</summary>
    public IntakeStep Settled(DeliveryKey work, bool sent, DateTimeOffset now)
    {
        if (!Entries.TryGetValue(work, out var entry) || entry.Stage != Stage.Settling)
        {
            return Unchanged();
        }

        if (!sent)
        {
            return Remove(work, entry.Settlement is Settlement.Acknowledge or Settlement.Bury ? Remember(entry, now) : Ledger, now);
        }

        var step = Remove(work, Ledger, now);
        var counters = step.State.Counters;
        return step with
        {
            State = step.State with
            {
                Counters = entry.Settlement switch
                {
                    Settlement.Acknowledge => counters with { Acknowledged = counters.Acknowledged + 1 },
                    Settlement.DeadLetter or Settlement.Bury => counters with { DeadLettered = counters.DeadLettered + 1 },
                    _ => counters with { Returned = counters.Returned + 1 },
                },
            },
        };
    }

    /// <summary>Time passed: deliveries that the pipeline kept too long are given up.</summary>
    public IntakeStep Tick(DateTimeOffset now)
    {
        var state = this;
        var effects = ImmutableArray.CreateBuilder<IntakeEffect>();
        foreach (var (key, entry) in Entries)
        {
            if (entry.Stage != Stage.Classifying || now - entry.Since < OutcomeTimeout)
            {
                continue;
            }

            effects.Add(new IntakeEffect.Warn(entry.Delivery.MessageId, $"the pipeline gave no answer within {OutcomeTimeout}"));
            var step = entry.Tag is null ? state.Remove(key, state.Ledger, now) : state.BeginSettling(key, entry, Settlement.Return);
            state = step.State with { GivenUpInARow = state.GivenUpInARow + 1 };
            effects.AddRange(step.Effects);
        }

        return new IntakeStep(state, effects.ToImmutable());
    }

    /// <summary>The node stops: take nothing new. What has arrived is finished; <see cref="InFlight"/> falls to 0.</summary>
    public IntakeStep Drain() => Mode == IntakeMode.Draining
        ? Unchanged()
        : new IntakeStep(this with { Mode = IntakeMode.Draining }, Session == 0 ? [] : [new IntakeEffect.StopConsuming()]);

    private IntakeStep Unchanged() => new(this, []);

    private IntakeState Add(ImageDelivery delivery, Stage stage, DateTimeOffset now, Settlement settlement) => this with
    {
        Entries = Entries.SetItem(delivery.Key, new Entry(delivery, delivery.Key.Tag, stage, Alone: false, now, settlement, Identity: null)),
    };

    private IntakeStep BeginSettling(DeliveryKey work, Entry entry, Settlement how) => new(
        this with { Entries = Entries.SetItem(work, entry with { Stage = Stage.Settling, Settlement = how }) },
        [new IntakeEffect.Settle(work, entry.Tag!.Value, how)]);

    private SettledLedger Remember(Entry entry, DateTimeOffset now) =>
        Ledger.Remember(entry.Identity ?? entry.Delivery.Identity(), now);

    private IntakeStep Remove(DeliveryKey work, SettledLedger ledger, DateTimeOffset now)
    {
        var effects = ImmutableArray.CreateBuilder<IntakeEffect>();
        var next = (this with { Entries = Entries.Remove(work), Ledger = ledger }).Release(effects, now);
        return new IntakeStep(next, effects.ToImmutable());
    }

    private bool TryDeduplicate(ImageDelivery delivery, DateTimeOffset now, out IntakeState next, out ImmutableArray<IntakeEffect> effects)
    {
        next = this;
        effects = [];
        if (Ledger.Count == 0 && Entries.Values.All(entry => entry.Tag is not null))
        {
            return false;
        }

        var identity = delivery.Identity();
        var counters = Counters with { Deduplicated = Counters.Deduplicated + 1 };
        if (Ledger.TryTake(identity, now, out var rest))
        {
            next = Add(delivery, Stage.Settling, now, Settlement.Acknowledge) with { Ledger = rest, Counters = counters };
            effects = [new IntakeEffect.Settle(delivery.Key, delivery.Key.Tag, Settlement.Acknowledge)];
            return true;
        }

        foreach (var (key, entry) in Entries)
        {
            if (entry.Tag is null && entry.Identity == identity)
            {
                next = this with
                {
                    Entries = Entries.SetItem(key, entry with { Tag = delivery.Key.Tag }),
                    Counters = counters,
                };
                return true;
            }
        }

        return false;
    }

    private IntakeState Release(ImmutableArray<IntakeEffect>.Builder effects, DateTimeOffset now)
    {
        var entries = Entries;
        var waiting = Waiting;
        var active = entries.Count - waiting.Length;
        var aloneRuns = entries.Values.Any(entry => entry.Alone);
        while (waiting.Length > 0)
        {
            var key = waiting[0];
            var entry = entries[key];
            var suspect = entry.Delivery.Redelivered;
            if (aloneRuns || (suspect && active > 0))
            {
                break;
            }

            effects.Add(new IntakeEffect.Classify(entry.Delivery, suspect));
            entries = entries.SetItem(key, entry with { Stage = Stage.Classifying, Alone = suspect, Since = now });
            waiting = waiting.RemoveAt(0);
            active++;
            aloneRuns = suspect;
        }

        return this with { Entries = entries, Waiting = waiting };
    }

    private enum Stage
    {
        Held,
        Classifying,
        Publishing,
        Burying,
        Settling,
    }

    private sealed record Entry(
        ImageDelivery Delivery,
        ulong? Tag,
        Stage Stage,
        bool Alone,
        DateTimeOffset Since,
        Settlement Settlement,
        string? Identity);
}

/// <summary>The state after an event, and what is to be done about it, in this order.</summary>
public sealed record IntakeStep(IntakeState State, ImmutableArray<IntakeEffect> Effects);

/// <summary>What the consumer actor has to do after a step of <see cref="IntakeState"/>.</summary>
public abstract record IntakeEffect
{
    private IntakeEffect()
    {
    }

    /// <summary>Start consuming with this prefetch.</summary>
    public sealed record Consume(int Prefetch) : IntakeEffect;

    /// <summary>Cancel the careful consumer, then consume with this prefetch.</summary>
    public sealed record OpenUp(int Prefetch) : IntakeEffect;

    /// <summary>Cancel the consumer and start none.</summary>
    public sealed record StopConsuming : IntakeEffect;

    /// <summary>Hand it to the pipeline.</summary>
    public sealed record Classify(ImageDelivery Delivery, bool Alone) : IntakeEffect;

    /// <summary>Publish its result.</summary>
    public sealed record Publish(ImageDelivery Delivery, ClassificationResult Result) : IntakeEffect;

    /// <summary>Publish an error result made by the transport itself.</summary>
    public sealed record PublishError(ImageDelivery Delivery, string Code, string Message) : IntakeEffect;

    /// <summary>Tell the broker that the delivery is settled.</summary>
    /// <param name="Work">Names the work, and is to be given to <see cref="IntakeState.Settled"/>.</param>
    /// <param name="Tag">The delivery tag to use, of the present session.</param>
    /// <param name="How">Acknowledge, dead-letter or return.</param>
    public sealed record Settle(DeliveryKey Work, ulong Tag, Settlement How) : IntakeEffect;

    /// <summary>Publish a copy of it, with the reason, to the dead-letter queue.</summary>
    public sealed record Bury(ImageDelivery Delivery, string Reason) : IntakeEffect;

    /// <summary>Something that an operator wants to read.</summary>
    public sealed record Warn(string MessageId, string Reason) : IntakeEffect;
}

/// <summary>How boldly the consumer takes images.</summary>
public enum IntakeMode
{
    /// <summary>There is no session with the broker.</summary>
    Down,

    /// <summary>
    /// One delivery at a time. Every session starts so: what a crash returned comes first, and a crashing image then spends
    /// only its own delivery budget, not that of the images beside it.
    /// </summary>
    Careful,

    /// <summary>As many deliveries as the prefetch allows: the backlog of suspects is through.</summary>
    Full,

    /// <summary>Stopping: nothing new is taken, what is in flight is finished.</summary>
    Draining,
}

/// <summary>What the intake did since it started.</summary>
public sealed record IntakeCounters
{
    public long Delivered { get; init; }

    public long Redelivered { get; init; }

    public long Acknowledged { get; init; }

    public long DeadLettered { get; init; }

    public long Returned { get; init; }

    /// <summary>Answered with an error result by the transport itself.</summary>
    public long Refused { get; init; }

    /// <summary>Redeliveries that needed no second classification.</summary>
    public long Deduplicated { get; init; }

    /// <summary>Sessions that ended while deliveries were open.</summary>
    public long SessionsLost { get; init; }
}

/// <summary>The three ends that a delivery may have.</summary>
public enum Settlement
{
    /// <summary>Its result is confirmed.</summary>
    Acknowledge,

    /// <summary>It never can be answered: rejected without requeueing, so that the broker dead-letters it.</summary>
    DeadLetter,

    /// <summary>A copy of it, with the reason, is confirmed in the dead-letter queue: acknowledged.</summary>
    Bury,

    /// <summary>It may succeed elsewhere or later: rejected with requeueing, which spends one of its deliveries.</summary>
    Return,
}

/// <summary>What a delivery's properties and headers mean for it, before anybody looks at the image.</summary>
public abstract record Verdict
{
    private Verdict()
    {
    }

    /// <summary>The pipeline gets it.</summary>
    public sealed record Accept : Verdict
    {
        public static Accept Instance { get; } = new();
    }

    /// <summary>The publisher gets an error result.</summary>
    /// <param name="Code">One of <see cref="Shared.Protocol.ErrorCodes"/>.</param>
    /// <param name="Message">A sentence for the publisher.</param>
    public sealed record Refuse(string Code, string Message) : Verdict;

    /// <summary>No result can reach the publisher: the message is dead-lettered.</summary>
    /// <param name="Reason">A sentence for the log.</param>
    public sealed record DeadLetter(string Reason) : Verdict;
}
