using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>
/// Which models a node holds, which of them serve, and the way from one desired state to the next. Pure: each method returns what
/// is to be done, and is told the time.
/// </summary>
/// <remarks>
/// <para>The champion's slot is never empty: it keeps what it has until what it should have is loaded and has been tried. The
/// canary's and the shadow's hold what is desired or nothing, so that no traffic goes to a version that was withdrawn.</para>
/// <para>One model is loaded at a time, the champion first. A version that failed is tried again only when a newer desired state
/// names it: without that a damaged folder would be read for ever.</para>
/// </remarks>
internal sealed class ModelSlots
{
    /// <summary>The model that serves before the first promotion.</summary>
    public const long InitialTicket = 0;

    private static readonly ModelSlot[] All = [ModelSlot.Champion, ModelSlot.Canary, ModelSlot.Shadow];

    private readonly Dictionary<long, Holding> _held = [];
    private readonly Dictionary<long, Holding> _retiring = [];
    private readonly Dictionary<ModelPointer, Failure> _failed = [];
    private readonly Dictionary<ModelSlot, Service> _serving = [];
    private LoadUnderWay? _loading;
    private long _lastTicket = InitialTicket;
    private DateTimeOffset _desiredSince;

    /// <param name="version">The initial model's version.</param>
    /// <param name="weightsSha256">SHA-256 of its weights.</param>
    /// <param name="now">The time.</param>
    public ModelSlots(string version, string weightsSha256, DateTimeOffset now)
    {
        _held[InitialTicket] = new Holding(null, version, weightsSha256, ModelSlot.Champion, now);
        _serving[ModelSlot.Champion] = new Service(InitialTicket, now, Taken: true);
        _desiredSince = now;
    }

    public DesiredModels Desired { get; private set; } = DesiredModels.None;

    /// <summary>Someone has said what is desired, if only that nothing is.</summary>
    public bool Known { get; private set; }

    /// <summary>The node may take images: it serves a promoted version, or knows that there is none.</summary>
    public bool MayServe => Known && (Desired.Champion is null || (Serving(ModelSlot.Champion) != InitialTicket && _serving[ModelSlot.Champion].Taken));

    /// <summary>Share of the images that the canary answers, 0 where none is loaded.</summary>
    public double CanaryShare => _serving.GetValueOrDefault(ModelSlot.Canary) is { Taken: true } ? Desired.Canary?.Share ?? 0 : 0;

    /// <summary>Share of the images that the shadow sees, 0 where none is loaded.</summary>
    public double ShadowShare => _serving.ContainsKey(ModelSlot.Shadow) ? Desired.Shadow?.Share ?? 0 : 0;

    /// <summary>The ticket of the model that serves a slot.</summary>
    public long? Serving(ModelSlot slot) => _serving.TryGetValue(slot, out var service) ? service.Ticket : null;

    /// <summary>A desired state arrived; one that is not newer changes nothing.</summary>
    public IReadOnlyList<SlotEffect> Desire(DesiredModels desired, DateTimeOffset now)
    {
        var first = !Known;
        Known = true;
        if (desired.Sequence <= Desired.Sequence)
        {
            return first ? [new SlotEffect.Report()] : [];
        }

        Desired = desired;
        _desiredSince = now;
        _failed.Clear();
        return Plan(now);
    }

    /// <summary>A load has come this far.</summary>
    public IReadOnlyList<SlotEffect> Progressed(long ticket, ModelPhase phase, DateTimeOffset now)
    {
        if (_loading is not { Cancelled: false } loading || loading.Ticket != ticket || loading.Phase == phase)
        {
            return [];
        }

        _loading = loading with { Phase = phase, Since = now };
        return [new SlotEffect.Report()];
    }

    /// <summary>A model is loaded and has been tried. One that nobody wants any more is disposed.</summary>
    public IReadOnlyList<SlotEffect> Loaded(long ticket, DateTimeOffset now)
    {
        if (_loading is not { } loading || loading.Ticket != ticket)
        {
            return [];
        }

        _loading = null;
        var slot = Wanting(loading.Model) ?? ModelSlot.Champion;
        _held[ticket] = new Holding(loading.Model, loading.Model.Version.Value, loading.Model.WeightsSha256, slot, now);
        return Plan(now);
    }

    /// <summary>A load ended without a model.</summary>
    /// <param name="ticket">The load.</param>
    /// <param name="reason">Why; a sentence.</param>
    /// <param name="now">The time.</param>
    public IReadOnlyList<SlotEffect> LoadFailed(long ticket, string reason, DateTimeOffset now)
    {
        if (_loading is not { } loading || loading.Ticket != ticket)
        {
            return [];
        }

        _loading = null;
        if (!loading.Cancelled)
        {
            _failed[loading.Model] = new Failure(reason, now);
        }

        return Plan(now);
    }

    /// <summary>Every instance in service has the model of a slot: only now the node serves it.</summary>
    public IReadOnlyList<SlotEffect> Taken(ModelSlot slot, long ticket, DateTimeOffset now)
    {
        if (!_serving.TryGetValue(slot, out var service) || service.Ticket != ticket || service.Taken)
        {
            return [];
        }

        _serving[slot] = service with { Since = now, Taken = true };
        return [new SlotEffect.Report()];
    }

    /// <summary>A model is disposed.</summary>
    public IReadOnlyList<SlotEffect> Retired(long ticket) => _retiring.Remove(ticket) ? [new SlotEffect.Report()] : [];

    /// <summary>One entry for each model that is held or was asked for.</summary>
    public IReadOnlyList<ModelSlotStatus> Status()
    {
        var entries = new List<ModelSlotStatus>();
        foreach (var slot in All)
        {
            var target = Target(slot);
            var holding = Serving(slot) is { } ticket ? _held[ticket] : null;
            if (holding is not null)
            {
                entries.Add(new ModelSlotStatus(
                    slot, holding.Version, holding.WeightsSha256, _serving[slot].Taken ? ModelPhase.Serving : ModelPhase.Warming, null, _serving[slot].Since));
            }

            if (target is not null && holding?.Model != target)
            {
                entries.Add(Awaited(slot, target));
            }
        }

        entries.AddRange(_retiring.OrderBy(r => r.Key).Select(r => r.Value).Select(h =>
            new ModelSlotStatus(h.Slot, h.Version, h.WeightsSha256, ModelPhase.Retiring, null, h.Since)));
        return entries;
    }

    private ModelSlotStatus Awaited(ModelSlot slot, ModelPointer target)
    {
        ModelSlotStatus As(ModelPhase phase, string? reason, DateTimeOffset since) =>
            new(slot, target.Version.Value, target.WeightsSha256, phase, reason, since);

        if (_failed.TryGetValue(target, out var failure))
        {
            return As(ModelPhase.Failed, failure.Reason, failure.Since);
        }

        // What waits for another load has its verification before it.
        return _loading is { } loading && loading.Model == target
            ? As(loading.Phase, null, loading.Since)
            : As(ModelPhase.Verifying, null, _desiredSince);
    }

    private List<SlotEffect> Plan(DateTimeOffset now)
    {
        var effects = new List<SlotEffect>();
        foreach (var slot in All)
        {
            Fill(slot, effects, now);
        }

        foreach (var (ticket, holding) in _held.Where(h => !_serving.Values.Any(s => s.Ticket == h.Key)).ToList())
        {
            _held.Remove(ticket);
            _retiring[ticket] = holding with { Since = now };
            effects.Add(new SlotEffect.Dispose(ticket));
        }

        LoadNext(effects, now);
        effects.Add(new SlotEffect.Report());
        return effects;
    }

    private void Fill(ModelSlot slot, List<SlotEffect> effects, DateTimeOffset now)
    {
        var target = Target(slot);
        var ticket = target is null ? null : Find(target);
        if (ticket == Serving(slot) || (slot == ModelSlot.Champion && ticket is null))
        {
            return;
        }

        if (ticket is { } chosen)
        {
            _serving[slot] = new Service(chosen, now, Taken: false);
            _held[chosen] = _held[chosen] with { Slot = slot };
        }
        else
        {
            _serving.Remove(slot);
        }

        effects.Add(new SlotEffect.Swap(slot, ticket));
    }

    private void LoadNext(List<SlotEffect> effects, DateTimeOffset now)
    {
        if (_loading is { } loading)
        {
            if (!loading.Cancelled && Wanting(loading.Model) is null)
            {
                _loading = loading with { Cancelled = true };
                effects.Add(new SlotEffect.CancelLoad(loading.Ticket));
            }

            return;
        }

        var next = All.Select(Target).FirstOrDefault(t => t is not null && Find(t) is null && !_failed.ContainsKey(t));
        if (next is not null)
        {
            _loading = new LoadUnderWay(++_lastTicket, next, ModelPhase.Verifying, now, Cancelled: false);
            effects.Add(new SlotEffect.Load(_lastTicket, next));
        }
    }

    private ModelPointer? Target(ModelSlot slot) => slot switch
    {
        ModelSlot.Champion => Desired.Champion,
        ModelSlot.Canary => Desired.Canary?.Model,
        _ => Desired.Shadow?.Model,
    };

    private ModelSlot? Wanting(ModelPointer model) => All.Where(slot => Target(slot) == model).Select(slot => (ModelSlot?)slot).FirstOrDefault();

    private long? Find(ModelPointer model) => _held.Where(h => h.Value.Model == model).Select(h => (long?)h.Key).FirstOrDefault();

    private sealed record Holding(ModelPointer? Model, string Version, string WeightsSha256, ModelSlot Slot, DateTimeOffset Since);

    /// <param name="Ticket">The model.</param>
    /// <param name="Since">Begin of the phase.</param>
    /// <param name="Taken">Every instance has it.</param>
    private sealed record Service(long Ticket, DateTimeOffset Since, bool Taken);

    private sealed record LoadUnderWay(long Ticket, ModelPointer Model, ModelPhase Phase, DateTimeOffset Since, bool Cancelled);

    private sealed record Failure(string Reason, DateTimeOffset Since);
}
