using FerActors.Host.Commands.Operator;
using FerActors.Host.Operator;
using FerActors.Shared.Registry;

namespace FerActors.Host.Tests.Commands;

/// <summary>A change of what should serve, followed node by node.</summary>
public sealed class ServingWaitSpecs
{
    private static readonly DateTimeOffset Time = new(2026, 11, 25, 14, 30, 0, TimeSpan.Zero);
    private static readonly ModelRequests.Promote Change = new("v2");
    private static readonly OperatorReply Changed = OperatorReply.Done("v2 is the champion.", new ChangeView(8, []));

    private readonly List<string> _said = [];

    [Fact]
    public async Task Each_step_is_one_line_and_the_end_is_that_all_serve_it()
    {
        var reply = await FollowAsync(
            Fleet(Told("a", 7), Told("b", 7), Silent("c")),
            Fleet(Loading("a"), Told("b", 7), Silent("c")),
            Fleet(Loading("a"), Told("b", 7), Silent("c")),
            Fleet(Serving("a"), Loading("b"), Gone("c")),
            Fleet(Serving("a"), Serving("b")));

        Assert.Equal(
            [
                "0 of 3 inference nodes serve it yet: node-a has not been told yet; node-b has not been told yet; c has said nothing yet.",
                "0 of 3 inference nodes serve it yet: node-a is loading v2; node-b has not been told yet; c has said nothing yet.",
                "1 of 3 inference nodes serves it yet: node-b is loading v2; node-c cannot be reached.",
                "All 2 inference nodes serve it.",
            ],
            _said);
        Assert.Equal((OperatorOutcome.Done, "All 2 inference nodes serve it."), (reply.Outcome, reply.Message));
    }

    [Fact]
    public async Task A_view_from_before_the_change_and_a_registry_that_moves_are_waited_out()
    {
        var reply = await FollowAsync(
            Fleet(Serving("a")) with { View = View(Serving("a")) with { Sequence = 7, Champion = "v1" } },
            OperatorReply.NoAnswer("No answer came from the model registry."),
            Fleet(Serving("a")));

        Assert.Equal((OperatorOutcome.Done, "The one inference node serves it."), (reply.Outcome, reply.Message));
    }

    [Fact]
    public async Task Nodes_that_have_all_failed_or_serve_end_the_wait_with_the_reasons()
    {
        var reply = await FollowAsync(Fleet(Serving("a"), Failed("b")));

        Assert.Equal(
            (OperatorOutcome.Refused, "The change stays in the registry. 1 of 2 inference nodes serves it yet: node-b fails on v2: it is damaged."),
            (reply.Outcome, reply.Message));
    }

    [Fact]
    public async Task A_promotion_that_is_taken_back_ends_the_wait_with_the_reason()
    {
        var reply = await FollowAsync(
            Fleet(Loading("a")),
            Fleet() with { View = View(Serving("a")) with { Sequence = 10, Champion = "v1", LastRollback = "1 of 1 nodes failed on v2." } });

        Assert.Equal(
            (OperatorOutcome.Refused, "v2 is no longer what should serve. 1 of 1 nodes failed on v2."), (reply.Outcome, reply.Message));
    }

    [Fact]
    public async Task The_wait_is_bounded_and_says_how_far_it_came()
    {
        var late = await FollowAsync(TimeSpan.Zero, Fleet(Loading("a")));
        var nobody = await FollowAsync(TimeSpan.Zero, Fleet());
        var silent = await FollowAsync(TimeSpan.Zero, OperatorReply.NoAnswer("No answer came."));

        Assert.Equal((OperatorOutcome.Refused, OperatorOutcome.Refused, OperatorOutcome.NoAnswer), (late.Outcome, nobody.Outcome, silent.Outcome));
        Assert.Equal("The change stays in the registry. 0 of 1 inference nodes serve it yet: node-a is loading v2.", late.Message);
        Assert.Equal("The change stays in the registry. No inference node is there to serve it.", nobody.Message);
    }

    private static OperatorReply Fleet(params NodeProgress[] nodes) => OperatorReply.Done("", View(nodes));

    private static FleetView View(params NodeProgress[] nodes) => new(
        8, 8, "v2", null, null, null, null, "v1", true, nodes.All(n => n.Converged), null, null, null, nodes);

    private static NodeProgress Serving(string node) => Node(node, 8, "v2", ModelPhase.Serving) with { Converged = true };

    private static NodeProgress Loading(string node) => Node(node, 8, "v2", ModelPhase.Loading);

    private static NodeProgress Failed(string node) => Node(node, 8, "v2", ModelPhase.Failed, "it is damaged");

    private static NodeProgress Told(string node, long sequence) => Node(node, sequence, "v1", ModelPhase.Serving);

    private static NodeProgress Gone(string node) => Told(node, 7) with { Reachable = false };

    private static NodeProgress Silent(string node) => new(node, true, false, null);

    private static NodeProgress Node(string node, long sequence, string version, ModelPhase phase, string? reason = null) => new(
        node, true, false, new NodeModelStatus(node, $"node-{node}", sequence, [new ModelSlotStatus(ModelSlot.Champion, version, "", phase, reason, Time)]));

    private Task<OperatorReply> FollowAsync(params OperatorReply[] replies) => FollowAsync(TimeSpan.FromHours(1), replies);

    private Task<OperatorReply> FollowAsync(TimeSpan limit, params OperatorReply[] replies)
    {
        var looks = new Queue<OperatorReply>(replies);
        return ServingWait.FollowAsync(
            Change, Changed, () => Task.FromResult(looks.Dequeue()), _said.Add, limit, TimeSpan.Zero, TimeProvider.System, CancellationToken.None);
    }
}
