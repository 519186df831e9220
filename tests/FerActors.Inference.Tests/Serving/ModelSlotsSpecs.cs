using FerActors.Inference.Serving;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Tests.Serving;

public sealed class ModelSlotsSpecs
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ModelSlots _slots = new("folder", "aa", Start);

    [Fact]
    public void Before_the_first_promotion_the_initial_model_serves()
    {
        var slot = Assert.Single(_slots.Status());

        Assert.Equal(new ModelSlotStatus(ModelSlot.Champion, "folder", "aa", ModelPhase.Serving, null, Start), slot);
        Assert.False(_slots.MayServe);
        Assert.Equal([new SlotEffect.Report()], _slots.Desire(DesiredModels.None, Start));
        Assert.True(_slots.MayServe);
    }

    [Fact]
    public void A_promoted_version_is_loaded_swapped_in_and_the_old_one_disposed()
    {
        Assert.Equal([new SlotEffect.Load(1, Pointer("v1")), new SlotEffect.Report()], _slots.Desire(Champion(1, "v1"), Start));
        Assert.False(_slots.MayServe);
        Assert.Equal([ModelPhase.Serving, ModelPhase.Verifying], _slots.Status().Select(s => s.Phase));
        Assert.Equal([new SlotEffect.Report()], _slots.Progressed(1, ModelPhase.Warming, Start.AddSeconds(1)));
        Assert.Equal((ModelPhase.Warming, Start.AddSeconds(1)), (_slots.Status()[1].Phase, _slots.Status()[1].Since));

        var effects = _slots.Loaded(1, Start.AddSeconds(2));

        Assert.Equal([new SlotEffect.Swap(ModelSlot.Champion, 1), new SlotEffect.Dispose(0), new SlotEffect.Report()], effects);
        Assert.False(_slots.MayServe);
        Assert.Equal([("v1", ModelPhase.Warming), ("folder", ModelPhase.Retiring)], _slots.Status().Select(s => (s.Version, s.Phase)));
        Assert.Equal([new SlotEffect.Report()], _slots.Taken(ModelSlot.Champion, 1, Start.AddSeconds(3)));
        Assert.True(_slots.MayServe);
        Assert.Equal([("v1", ModelPhase.Serving), ("folder", ModelPhase.Retiring)], _slots.Status().Select(s => (s.Version, s.Phase)));
        Assert.Equal(Start.AddSeconds(3), _slots.Status()[0].Since);
        Assert.Equal([new SlotEffect.Report()], _slots.Retired(0));
        Assert.Equal("v1", Assert.Single(_slots.Status()).Version);
    }

    [Fact]
    public void What_is_told_of_another_model_than_the_slots_own_changes_nothing()
    {
        _slots.Desire(Champion(1, "v1"), Start);
        _slots.Loaded(1, Start);

        Assert.Empty(_slots.Taken(ModelSlot.Champion, 0, Start));
        Assert.Empty(_slots.Taken(ModelSlot.Canary, 1, Start));
        Assert.False(_slots.MayServe);
        Assert.NotEmpty(_slots.Taken(ModelSlot.Champion, 1, Start));
        Assert.Empty(_slots.Taken(ModelSlot.Champion, 1, Start));
    }

    [Fact]
    public void A_version_that_fails_leaves_the_old_one_and_is_tried_again_only_when_it_is_desired_anew()
    {
        Serve(1, "v1");
        _slots.Desire(Champion(2, "v2"), Start);

        Assert.Equal([new SlotEffect.Report()], _slots.LoadFailed(2, "It is damaged.", Start));

        Assert.Equal(1, _slots.Serving(ModelSlot.Champion));
        Assert.Equal(
            [("v1", ModelPhase.Serving, null), ("v2", ModelPhase.Failed, "It is damaged.")],
            _slots.Status().Select(s => (s.Version, s.Phase, s.Reason)));
        Assert.Empty(_slots.Desire(Champion(2, "v2"), Start));
        Assert.Contains(new SlotEffect.Load(3, Pointer("v2")), _slots.Desire(Champion(3, "v2"), Start));
    }

    [Fact]
    public void An_older_desired_state_changes_nothing()
    {
        Serve(5, "v1");

        Assert.Empty(_slots.Desire(Champion(4, "v0"), Start));
        Assert.Equal(5, _slots.Desired.Sequence);
    }

    [Fact]
    public void A_newer_desired_state_supersedes_a_load_under_way()
    {
        _slots.Desire(Champion(1, "v1"), Start);

        Assert.Equal([new SlotEffect.CancelLoad(1), new SlotEffect.Report()], _slots.Desire(Champion(2, "v2"), Start));
        Assert.Empty(_slots.Progressed(1, ModelPhase.Warming, Start));
        Assert.Equal([new SlotEffect.Load(2, Pointer("v2")), new SlotEffect.Report()], _slots.LoadFailed(1, "cancelled", Start));
        Assert.DoesNotContain(_slots.Status(), s => s.Phase == ModelPhase.Failed);
    }

    [Fact]
    public void A_load_that_ended_before_its_cancellation_is_disposed_unless_it_is_wanted_again()
    {
        _slots.Desire(Champion(1, "v1"), Start);
        _slots.Desire(Champion(2, "v2"), Start);

        Assert.Equal(
            [new SlotEffect.Dispose(1), new SlotEffect.Load(2, Pointer("v2")), new SlotEffect.Report()], _slots.Loaded(1, Start));

        _slots.Desire(Champion(3, "v3"), Start);
        _slots.Desire(Champion(4, "v2"), Start);
        Assert.Contains(new SlotEffect.Swap(ModelSlot.Champion, 2), _slots.Loaded(2, Start));
    }

    [Fact]
    public void A_canary_becomes_champion_without_a_second_load()
    {
        Serve(1, "v1");
        _slots.Desire(new DesiredModels(2, Pointer("v1"), new SecondModel(Pointer("v2"), 0.25)), Start);
        Assert.Equal(0, _slots.CanaryShare);
        Assert.Contains(new SlotEffect.Swap(ModelSlot.Canary, 2), _slots.Loaded(2, Start));
        Assert.Equal(0, _slots.CanaryShare);
        _slots.Taken(ModelSlot.Canary, 2, Start);
        Assert.Equal(0.25, _slots.CanaryShare);

        var effects = _slots.Desire(Champion(3, "v2"), Start);

        Assert.Equal(
            [
                new SlotEffect.Swap(ModelSlot.Champion, 2),
                new SlotEffect.Swap(ModelSlot.Canary, null),
                new SlotEffect.Dispose(1),
                new SlotEffect.Report(),
            ],
            effects);
        Assert.Equal(0, _slots.CanaryShare);
    }

    [Fact]
    public void A_canary_that_is_no_longer_desired_goes_at_once_even_where_its_successor_fails()
    {
        Serve(1, "v1");
        _slots.Desire(new DesiredModels(2, Pointer("v1"), new SecondModel(Pointer("v2"), 0.5)), Start);
        _slots.Loaded(2, Start);

        var effects = _slots.Desire(new DesiredModels(3, Pointer("v1"), new SecondModel(Pointer("v3"), 0.5)), Start);

        Assert.Equal([new SlotEffect.Swap(ModelSlot.Canary, null), new SlotEffect.Dispose(2)], effects.Take(2));
        _slots.LoadFailed(3, "no", Start);
        Assert.Null(_slots.Serving(ModelSlot.Canary));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_comes_one_champion_serves_nothing_is_disposed_in_use_and_the_end_is_what_was_desired(int seed)
    {
        var random = new Random(seed);
        var host = new Bookkeeper(_slots);
        for (var step = 0; step < 4000; step++)
        {
            switch (random.Next(6))
            {
                case 0:
                    host.Desire(new DesiredModels(
                        _slots.Desired.Sequence + random.Next(-1, 3), Any(random), Second(random), Second(random)));
                    break;
                case 1 or 2:
                    host.EndLoad(succeeds: random.Next(4) > 0);
                    break;
                case 3:
                    host.Progress((ModelPhase)random.Next(3));
                    break;
                case 4:
                    host.Retire();
                    break;
                default:
                    host.Apply(_slots.Loaded(random.Next(1, 50) + 100_000, Start));
                    break;
            }
        }

        host.Desire(new DesiredModels(1_000_000, Pointer("v1"), new SecondModel(Pointer("v2"), 0.5), new SecondModel(Pointer("v3"), 1)));
        while (host.EndLoad(succeeds: true))
        {
        }

        while (host.Retire())
        {
        }

        Assert.Equal(
            [("v1", ModelPhase.Serving), ("v2", ModelPhase.Serving), ("v3", ModelPhase.Serving)], _slots.Status().Select(s => (s.Version, s.Phase)));
        Assert.Equal(3, host.Alive);
    }

    private static ModelPointer? Any(Random random) => random.Next(8) == 0 ? null : Pointer($"v{random.Next(1, 5)}");

    private static SecondModel? Second(Random random) => random.Next(2) == 0 ? null : new SecondModel(Pointer($"v{random.Next(1, 5)}"), 0.5);

    private static ModelPointer Pointer(string version) => ScriptedLoader.Pointer(version);

    private static DesiredModels Champion(long sequence, string version) => ScriptedLoader.Champion(sequence, version);

    private void Serve(long sequence, string version)
    {
        var load = _slots.Desire(Champion(sequence, version), Start).OfType<SlotEffect.Load>().Single();
        _slots.Loaded(load.Ticket, Start);
        _slots.Taken(ModelSlot.Champion, load.Ticket, Start);
        _slots.Retired(0);
    }

    /// <summary>Carries the effects out on paper and checks after each that they could be.</summary>
    private sealed class Bookkeeper(ModelSlots slots)
    {
        private readonly Dictionary<ModelSlot, long> _serving = new() { [ModelSlot.Champion] = 0 };
        private readonly HashSet<long> _alive = [0];
        private readonly HashSet<long> _disposing = [];
        private (long Ticket, bool Cancelled)? _loading;

        public int Alive => _alive.Count;

        public void Desire(DesiredModels desired) => Apply(slots.Desire(desired, Start));

        public bool EndLoad(bool succeeds)
        {
            if (_loading is not var (ticket, _))
            {
                return false;
            }

            _loading = null;
            if (succeeds)
            {
                _alive.Add(ticket);
            }

            Apply(succeeds ? slots.Loaded(ticket, Start) : slots.LoadFailed(ticket, "on purpose", Start));
            return true;
        }

        public void Progress(ModelPhase phase)
        {
            if (_loading is var (ticket, _))
            {
                Apply(slots.Progressed(ticket, phase, Start));
            }
        }

        public bool Retire()
        {
            if (_disposing.Count == 0)
            {
                return false;
            }

            var ticket = _disposing.First();
            _disposing.Remove(ticket);
            Apply(slots.Retired(ticket));
            return true;
        }

        public void Apply(IReadOnlyList<SlotEffect> effects)
        {
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case SlotEffect.Load load:
                        Assert.Null(_loading);
                        _loading = (load.Ticket, false);
                        break;
                    case SlotEffect.CancelLoad cancel:
                        Assert.Equal((cancel.Ticket, false), _loading);
                        _loading = (cancel.Ticket, true);
                        break;
                    case SlotEffect.Swap { Ticket: { } ticket } swap:
                        Assert.Contains(ticket, _alive);
                        _serving[swap.Slot] = ticket;
                        slots.Taken(swap.Slot, ticket, Start);
                        break;
                    case SlotEffect.Swap swap:
                        Assert.NotEqual(ModelSlot.Champion, swap.Slot);
                        Assert.True(_serving.Remove(swap.Slot));
                        break;
                    case SlotEffect.Dispose dispose:
                        Assert.True(_alive.Remove(dispose.Ticket), "Disposed twice, or never loaded.");
                        Assert.DoesNotContain(dispose.Ticket, _serving.Values);
                        _disposing.Add(dispose.Ticket);
                        break;
                }
            }

            Assert.All(_serving, s => Assert.Equal(s.Value, slots.Serving(s.Key)));
            Assert.Equal(_serving.Count, Enum.GetValues<ModelSlot>().Count(s => slots.Serving(s) is not null));
            Assert.True(_alive.SetEquals(_serving.Values), "A model is held that serves nothing.");
        }
    }
}
