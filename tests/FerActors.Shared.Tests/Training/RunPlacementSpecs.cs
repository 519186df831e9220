using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Shared.Tests.Training;

/// <summary>Which run goes to which node, by the devices that nodes announce.</summary>
public sealed class RunPlacementSpecs
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly OfferedNode Processor = new("a-processor", ["cpu"]);
    private static readonly OfferedNode Cards = new("z-cards", ["cpu", "cuda:0", "cuda:1"]);
    private static readonly OfferedNode Silent = new("silent", []);

    [Theory]
    [InlineData(null, "z-cards")]
    [InlineData("cuda", "z-cards")]
    [InlineData("cuda:1", "z-cards")]
    [InlineData("cpu", "a-processor")]
    public void A_run_goes_to_a_node_with_its_device_and_leaves_the_cards_to_those_that_want_them(string? device, string node) =>
        Assert.Equal(node, RunPlacement.Next(Queue(device), [Processor, Cards])!.Value.Node);

    [Fact]
    public void A_run_whose_device_nobody_has_waits_and_lets_the_next_one_pass()
    {
        var next = RunPlacement.Next(Queue("cuda:2", null), [Processor, Cards]);

        Assert.Equal("run-1", next!.Value.Run.Spec.Id.Value);
        Assert.Null(RunPlacement.Next(Queue("cuda:2"), [Processor, Cards]));
    }

    [Fact]
    public void A_full_node_gets_nothing_and_the_emptier_one_comes_first()
    {
        var one = Assigned(Queue(null, null), "z-cards");

        Assert.Equal("a-processor", RunPlacement.Next(one, [Processor, Cards])!.Value.Node);
        Assert.Null(RunPlacement.Next(one, [Cards]));
        Assert.Equal("a-processor", RunPlacement.Next(one with { RunsPerNode = 2 }, [Processor, Cards])!.Value.Node);
    }

    [Fact]
    public void A_node_that_has_not_said_what_it_has_gets_runs_for_any_device_and_for_the_processor()
    {
        Assert.Equal("silent", RunPlacement.Next(Queue((string?)null), [Silent])!.Value.Node);
        Assert.Equal("silent", RunPlacement.Next(Queue("cpu"), [Silent])!.Value.Node);
        Assert.Null(RunPlacement.Next(Queue("cuda"), [Silent]));
    }

    [Fact]
    public void A_run_that_waits_for_a_device_says_which_there_are()
    {
        var run = Queue("cuda:7").Queue.First();

        Assert.Equal("No training node has the device 'cuda:7'; they have cpu, cuda:0, cuda:1.", RunPlacement.WhyItWaits(run, [Processor, Cards, Silent]));
        Assert.Equal("No training node is here.", RunPlacement.WhyItWaits(run, []));
        Assert.Null(RunPlacement.WhyItWaits(Queue("cuda:1").Queue.First(), [Cards]));
    }

    private static SupervisorState Queue(params string?[] devices) => devices.Index().Aggregate(new SupervisorState(), (state, run) =>
    {
        var spec = new RunSpec(RunId.Parse($"run-{run.Index}"), "some", "{}", "data.csv", null, 0, ModelVersionId.Parse($"v{run.Index}")) { Device = run.Item };
        return Do(state, new TrainingCommands.Submit(spec));
    });

    private static SupervisorState Assigned(SupervisorState state, string node) =>
        Do(state, new TrainingReports.Assign(state.Queue.First().Spec.Id, node));

    private static SupervisorState Do(SupervisorState state, ITrainingCommand command) =>
        state.ProcessCommand(command, Now).Events.Aggregate(state, (before, happened) => before.Apply(happened));
}
