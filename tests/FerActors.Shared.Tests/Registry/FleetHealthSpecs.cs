using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using static FerActors.Shared.Tests.Registry.Manifests;

namespace FerActors.Shared.Tests.Registry;

public sealed class FleetHealthSpecs
{
    private static readonly DesiredModels Desired = new(7, Of(1).Pointer);
    private static readonly RollbackOptions Options = new();

    [Fact]
    public void Half_of_the_nodes_failing_is_a_failure_and_fewer_are_not()
    {
        var reason = Judge([Node(ModelPhase.Failed), Node(ModelPhase.Serving)]);

        Assert.Equal("1 of 2 nodes failed on v1, among them n: It is broken.", reason);
        Assert.Null(Judge([Node(ModelPhase.Failed), Node(ModelPhase.Serving), Node(ModelPhase.Serving)]));
        Assert.Null(Judge([Node(ModelPhase.Failed), Silent, Silent]));
        Assert.Null(Judge([]));
    }

    [Fact]
    public void What_a_node_says_of_other_models_is_no_evidence()
    {
        Assert.Null(Judge([Node(ModelPhase.Failed, sequence: 6)]));
        Assert.Null(Judge([Node(ModelPhase.Failed, version: "v9")]));
        Assert.Null(Judge([Node(ModelPhase.Failed, slot: ModelSlot.Shadow)]));
    }

    [Fact]
    public void A_node_that_loads_for_too_long_has_failed()
    {
        Assert.Null(Judge([Node(ModelPhase.Loading)], Now + Options.ConvergenceTimeout));
        Assert.NotNull(Judge([Node(ModelPhase.Loading)], Now + Options.ConvergenceTimeout + TimeSpan.FromTicks(1)));
        Assert.Null(Judge([Node(ModelPhase.Serving)], Now + TimeSpan.FromDays(1)));
    }

    [Fact]
    public void A_node_has_converged_when_it_serves_all_that_is_desired()
    {
        var canary = Desired with { Canary = new SecondModel(Of(2).Pointer, 0.5) };

        Assert.True(FleetHealth.HasConverged(Desired, Node(ModelPhase.Serving).Status));
        Assert.False(FleetHealth.HasConverged(canary, Node(ModelPhase.Serving).Status));
        Assert.False(FleetHealth.HasConverged(Desired, Node(ModelPhase.Serving, sequence: 6).Status));
        Assert.False(FleetHealth.HasConverged(Desired, null));
    }

    private static NodeProgress Silent => new("s", true, false, null);

    private static string? Judge(IReadOnlyList<NodeProgress> nodes, DateTimeOffset? now = null) =>
        FleetHealth.FailureOf(Desired, Now, ModelSlot.Champion, nodes, Options, now ?? Now);

    private static NodeProgress Node(ModelPhase phase, long sequence = 7, string version = "v1", ModelSlot slot = ModelSlot.Champion) => new(
        "a",
        true,
        false,
        new NodeModelStatus("a", "n", sequence, [new ModelSlotStatus(slot, version, "", phase, phase == ModelPhase.Failed ? "It is broken." : null, Now)]));
}
