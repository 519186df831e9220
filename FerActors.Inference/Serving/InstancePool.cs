using FerActors.Shared.Messaging;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>
/// The instances of a node's models, one for each place on a device: which of them runs which batch and holds which model, and what
/// becomes of one that fails. Pure: each method returns what is to be done, and is told the time.
/// </summary>
/// <remarks>
/// <para>A model changes on an instance between two of its batches: on a free one at once, on a busy one when its batch has ended.</para>
/// <para>An instance on which a batch breaks is taken out, and the batch runs elsewhere. Where it breaks there too, the batch is at
/// fault: it fails, the second instance stays, and the first is tried again at once. The last instance in service stays where it
/// is: its batches fail, which an image's sender hears of, rather than wait for nobody; after some failures in a row its models are
/// loaded anew all the same.</para>
/// </remarks>
internal sealed class InstancePool
{
    private const int FailuresOfTheLast = 3;

    private readonly List<Instance> _instances;
    private readonly LinkedList<Waiting> _waiting = [];
    private readonly Dictionary<ModelSlot, long> _wanted = [];
    private readonly Dictionary<ModelSlot, long> _taken = [];
    private readonly HashSet<long> _known = [];
    private readonly BackoffPolicy _backoff;
    private readonly Func<double> _random;
    private readonly DateTimeOffset _began;
    private int _capacity;

    /// <param name="devices">The device of each instance; at least one.</param>
    /// <param name="champion">The model that all of them hold.</param>
    /// <param name="backoff">When one that failed is tried again.</param>
    /// <param name="random">Numbers in [0, 1).</param>
    /// <param name="now">The time.</param>
    public InstancePool(IReadOnlyList<string> devices, long champion, BackoffPolicy backoff, Func<double> random, DateTimeOffset now)
    {
        ArgumentOutOfRangeException.ThrowIfZero(devices.Count);
        _instances = [.. devices.Select((device, number) => new Instance(number, device))];
        _instances.ForEach(instance => instance.Holds[ModelSlot.Champion] = champion);
        (_wanted[ModelSlot.Champion], _taken[ModelSlot.Champion]) = (champion, champion);
        _known.Add(champion);
        (_backoff, _random, _began) = (backoff, random, now);
        _capacity = _instances.Count;
    }

    /// <summary>Instances in service: so many batches may run at once.</summary>
    public int Capacity => _instances.Count(instance => instance.InService);

    /// <summary>When the next instance is due to be tried again.</summary>
    public DateTimeOffset? NextTry => _instances.Where(instance => instance is { Returning: false, TryAt: not null }).Min(instance => instance.TryAt);

    /// <summary>An instance's device.</summary>
    public string DeviceOf(int instance) => _instances[instance].Device;

    /// <summary>Instances in service; all of them where none is.</summary>
    public IReadOnlyList<int> Serving() =>
        [.. _instances.Where(instance => instance.InService || Capacity == 0).Select(instance => instance.Number)];

    /// <summary>The models that an instance has to hold.</summary>
    public IReadOnlyList<long> Wanted() => [.. _wanted.Values.Distinct()];

    /// <summary>The model that an instance holds for a slot.</summary>
    public long? Holding(int instance, ModelSlot slot) => _instances[instance].Holds.TryGetValue(slot, out var ticket) ? ticket : null;

    /// <summary>Whether an instance holds the model.</summary>
    public bool Held(long ticket) => _wanted.ContainsValue(ticket) || _instances.Exists(instance => instance.Holds.ContainsValue(ticket));

    /// <summary>A batch arrived; a free instance runs it, now or as soon as there is one.</summary>
    public IReadOnlyList<PoolEffect> Offer(long batch, DateTimeOffset now)
    {
        _waiting.AddLast(new Waiting(batch, null, null));
        return Settle(now);
    }

    /// <summary>A batch has ended, with answers or by its own fault.</summary>
    public IReadOnlyList<PoolEffect> Ended(int number, long batch, TimeSpan took, DateTimeOffset now)
    {
        var instance = _instances[number];
        if (instance.Batch?.Number != batch)
        {
            return [];
        }

        instance.Batch = null;
        instance.Passes++;
        instance.Busy += took;
        (instance.Attempts, instance.Row) = (0, 0);
        if (instance is { InService: true, Returning: false })
        {
            (instance.TryAt, instance.Reason) = (null, null);
        }

        return Settle(now);
    }

    /// <summary>An instance failed in the middle of a batch.</summary>
    /// <param name="number">The instance.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="cause">What was thrown.</param>
    /// <param name="took">How long the pass had been under way.</param>
    /// <param name="now">The time.</param>
    public IReadOnlyList<PoolEffect> Broke(int number, long batch, Exception cause, TimeSpan took, DateTimeOffset now)
    {
        var instance = _instances[number];
        if (instance.Batch is not { } running || running.Number != batch)
        {
            return [];
        }

        instance.Batch = null;
        instance.Busy += took;
        instance.Failures++;
        if (running.BrokeOn is { } first)
        {
            // It breaks everywhere: the first instance is innocent as long as its return does not show otherwise.
            _instances[first].TryAt = _instances[first].TryAt is null ? null : now;
            _instances[first].Attempts = 0;
            return [new PoolEffect.Fail(batch, cause), .. Settle(now)];
        }

        if (instance.InService && Capacity == 1)
        {
            if (++instance.Row >= FailuresOfTheLast && instance.TryAt is null)
            {
                instance.TryAt = now + Delay(instance);
                instance.Reason = cause.Message;
            }

            return [new PoolEffect.Fail(batch, cause), .. Settle(now)];
        }

        var effects = TakeOut(instance, cause.Message, now);
        _waiting.AddFirst(new Waiting(batch, number, cause));
        return [.. effects, .. Settle(now)];
    }

    /// <summary>An instance is gone, with its thread and whatever it was about.</summary>
    /// <param name="number">The instance.</param>
    /// <param name="reason">A sentence.</param>
    /// <param name="now">The time.</param>
    public IReadOnlyList<PoolEffect> Lost(int number, string reason, DateTimeOffset now)
    {
        var instance = _instances[number];
        var running = instance.Batch;
        instance.Batch = null;
        instance.Failures++;
        instance.Returning = false;
        var effects = TakeOut(instance, reason, now);
        if (running is not null)
        {
            // The batch did nothing that is known of, so it may still break somewhere.
            _waiting.AddFirst(running with { Cause = new InvalidOperationException(reason) });
        }

        return [.. effects, .. Settle(now)];
    }

    /// <summary>Time has passed: whoever is due is tried again.</summary>
    public IReadOnlyList<PoolEffect> Due(DateTimeOffset now)
    {
        var due = _instances.Where(instance => instance is { Returning: false } && instance.TryAt <= now).ToList();
        due.ForEach(instance => instance.Returning = true);
        return [.. due.Select(instance => new PoolEffect.Try(instance.Number))];
    }

    /// <summary>An instance has its models anew, and they passed their trial.</summary>
    /// <param name="number">The instance.</param>
    /// <param name="has">The models that were loaded for it.</param>
    /// <param name="now">The time.</param>
    public IReadOnlyList<PoolEffect> Returned(int number, IReadOnlySet<long> has, DateTimeOffset now)
    {
        var instance = _instances[number];
        instance.Returning = false;
        if (!_wanted.Values.All(has.Contains))
        {
            // What is wanted changed meanwhile.
            instance.TryAt = now;
            return [];
        }

        (instance.TryAt, instance.Reason, instance.Row, instance.InService) = (null, null, 0, true);
        instance.Adopt(_wanted);
        return Settle(now);
    }

    /// <summary>An instance could not be brought back; it is tried again later.</summary>
    public IReadOnlyList<PoolEffect> Refused(int number, string reason, DateTimeOffset now)
    {
        var instance = _instances[number];
        instance.Returning = false;
        instance.Failures++;
        instance.Reason = reason;
        instance.TryAt = now + Delay(instance);
        return [];
    }

    /// <summary>Another model, or none, is to serve a slot from the next batch of each instance on.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="ticket">The model; absent for none.</param>
    /// <param name="has">Whether an instance has loaded it; one that has not is taken out and brought back with it.</param>
    /// <param name="now">The time.</param>
    public IReadOnlyList<PoolEffect> Swap(ModelSlot slot, long? ticket, Func<int, bool> has, DateTimeOffset now)
    {
        var effects = new List<PoolEffect>();
        if (ticket is { } wanted)
        {
            _wanted[slot] = wanted;
            foreach (var instance in _instances.Where(instance => instance.InService && !has(instance.Number)).ToList())
            {
                effects.AddRange(TakeOut(instance, "It was away while the version that serves now was loaded.", now));
                (instance.TryAt, instance.Attempts) = (now, 0);
            }
        }
        else
        {
            _wanted.Remove(slot);
        }

        _taken.Remove(slot);
        return [.. effects, .. Settle(now)];
    }

    /// <summary>What operators see.</summary>
    public IReadOnlyList<InstanceStatus> Status(DateTimeOffset now) =>
    [
        .. _instances.Select(instance => new InstanceStatus(
            instance.Number, instance.Device, instance.State, instance.Reason, instance.Passes, instance.Failures, instance.Busy, now - _began)),
    ];

    private IReadOnlyList<PoolEffect> TakeOut(Instance instance, string reason, DateTimeOffset now)
    {
        var served = instance.InService;
        instance.InService = false;
        instance.Holds.Clear();
        instance.Reason = reason;
        instance.TryAt = now + Delay(instance);
        return served ? [new PoolEffect.TakeOut(instance.Number)] : [];
    }

    private TimeSpan Delay(Instance instance) => _backoff.Delay(++instance.Attempts, _random());

    // Free instances take the models that are wanted, then batches; what changed by that is told.
    private List<PoolEffect> Settle(DateTimeOffset now)
    {
        var effects = new List<PoolEffect>();
        foreach (var instance in _instances.Where(instance => instance is { InService: true, Batch: null }))
        {
            instance.Adopt(_wanted);
        }

        Assign(effects, now);
        if (Capacity != _capacity)
        {
            _capacity = Capacity;
            effects.Add(new PoolEffect.Capacity(_capacity));
        }

        foreach (var (slot, ticket) in _wanted)
        {
            if (_capacity > 0
                && _taken.GetValueOrDefault(slot, -1) != ticket
                && _instances.TrueForAll(instance => !instance.InService || Holding(instance.Number, slot) == ticket))
            {
                _taken[slot] = ticket;
                effects.Add(new PoolEffect.Taken(slot, ticket));
            }
        }

        _known.UnionWith(_wanted.Values);
        foreach (var ticket in _known.Where(ticket => !Held(ticket)).ToList())
        {
            _known.Remove(ticket);
            effects.Add(new PoolEffect.Left(ticket));
        }

        return effects;
    }

    private void Assign(List<PoolEffect> effects, DateTimeOffset now)
    {
        for (var node = _waiting.First; node is not null;)
        {
            var (next, batch) = (node.Next, node.Value);
            if (Capacity == 0)
            {
                _waiting.Remove(node);
                effects.Add(new PoolEffect.Fail(batch.Number, batch.Cause ?? new InvalidOperationException("No instance of the model is in service.")));
            }
            else if (FreeFor(batch) is { } instance)
            {
                _waiting.Remove(node);
                instance.Batch = batch;
                instance.LastGiven = now;
                effects.Add(new PoolEffect.Run(instance.Number, batch.Number));
            }

            node = next;
        }
    }

    // The one that has waited longest, so that all devices are used. A batch that broke goes elsewhere where there is another.
    private Instance? FreeFor(Waiting batch) => _instances
        .Where(instance => instance is { InService: true, Batch: null } && (instance.Number != batch.BrokeOn || Capacity == 1))
        .MinBy(instance => instance.LastGiven);

    /// <param name="Number">The batch.</param>
    /// <param name="BrokeOn">The instance that failed in the middle of it.</param>
    /// <param name="Cause">What happened to it before.</param>
    private sealed record Waiting(long Number, int? BrokeOn, Exception? Cause);

    private sealed class Instance(int number, string device)
    {
        public int Number => number;

        public string Device => device;

        public bool InService { get; set; } = true;

        public bool Returning { get; set; }

        public Waiting? Batch { get; set; }

        public Dictionary<ModelSlot, long> Holds { get; } = [];

        public DateTimeOffset? TryAt { get; set; }

        public DateTimeOffset LastGiven { get; set; }

        /// <summary>Failures since it last ended a batch; the backoff grows with them.</summary>
        public int Attempts { get; set; }

        /// <summary>Batches in a row that broke on it while it was the last in service.</summary>
        public int Row { get; set; }

        public string? Reason { get; set; }

        public long Passes { get; set; }

        public long Failures { get; set; }

        public TimeSpan Busy { get; set; }

        public InstanceState State => (InService, Returning, Batch) switch
        {
            (false, true, _) => InstanceState.Returning,
            (false, false, _) => InstanceState.Out,
            (true, _, null) => InstanceState.Free,
            _ => InstanceState.Busy,
        };

        public void Adopt(Dictionary<ModelSlot, long> wanted)
        {
            Holds.Clear();
            foreach (var (slot, ticket) in wanted)
            {
                Holds[slot] = ticket;
            }
        }
    }
}
