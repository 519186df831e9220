using System.Text.Json;
using FerActors.Host.Commands.Operator;
using FerActors.Host.Intake;
using FerActors.Host.Operator;
using FerActors.Inference.Drift;
using FerActors.Inference.Engines;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Shared.Drift;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Host.Tests.Operator;

/// <summary>Every view as a person and as a script see it.</summary>
public sealed class ReplyRendererSpecs
{
    // No cell wraps.
    private const int Wide = 400;

    private static readonly DateTimeOffset Time = new(2026, 11, 25, 14, 30, 0, TimeSpan.Zero);

    private static readonly ModelSummary Summary = new("v2", ["champion"], 0.7, 0.65, 12.5, 4_200_000, Time, Time, null);

    private static readonly FleetView Fleet = new(
        9, 8, "v2", "v3", 0.05, null, null, "v1", true, false, "node-2 fails on v3: it is damaged", "it was slow", Time,
        [
            new NodeProgress("akka.tcp://FerActors@10.0.0.1:5055", true, true, new NodeModelStatus(
                "akka.tcp://FerActors@10.0.0.1:5055",
                "node-1",
                8,
                [
                    new ModelSlotStatus(ModelSlot.Champion, "v2", "aa", ModelPhase.Serving, null, Time),
                    new ModelSlotStatus(ModelSlot.Canary, "v3", "bb", ModelPhase.Failed, "it is damaged", Time),
                ])),
            new NodeProgress("akka.tcp://FerActors@10.0.0.2:5055", false, false, null),
        ]);

    private static readonly RunSummary Run = new(
        "run-1", "first", RunState.Running, StopWish.Pause, 5, "v4", "node-3", 2, Time, Time, false, null, null,
        new EpochMetrics(1, 10, 1.5, 0.5, 0.4), new RunProgress(2, 3, 15, 30, 1.4, 200, 75));

    public static TheoryData<OperatorView, string[]> Views { get; } = new()
    {
        {
            new ClusterView(
                "a", "b", [new MemberView("a", "Up", true, ["control", "training"]), new MemberView("b", "Leaving", false, ["api"])]),
            ["control, training", "Leaving", "this node", "leader", "no"]
        },
        { new ModelsView(7, [Summary]), ["v2", "champion", "70.00 %", "0.6500", "12.5", "4.2", "2026-11-25 14:30:00Z"] },
        {
            new ModelView(
                Summary,
                new Dictionary<string, double> { ["happy"] = 0.9 },
                "public_test/plain",
                ModelProvenance.Unknown with { Parent = "org/name", RunId = "run-1" },
                ["Gate accuracy: it was worse."],
                new Dictionary<string, string> { ["model.safetensors"] = "abcdef" }),
            ["public_test/plain", "org/name", "recall of happy", "90.00 %", "Gate accuracy: it was worse.", "abcdef"]
        },
        { new ChangeView(3, [new GateRefusal("accuracy", 0.5, 0.7, 0.69, "Gate accuracy: ...")]), ["accuracy", "0.5", "0.7", "0.69"] },
        {
            Fleet,
            [
                "v3, 5.00 % of the images", "8 of 9", "node-1", "Canary", "it is damaged", "Failed", "unknown",
                "it was slow (2026-11-25 14:30:00Z)",
            ]
        },
        { new RunsView([Run]), ["run-1", "Running, asked to Pause", "epoch 2/3 step 15/30 loss 1.4000 200 img/s eta 00:01:15"] },
        {
            new RunDetailsView(Run, "/data/fer.csv", "v1", JsonSerializer.Deserialize<JsonElement>("""{"epochs":3}""")),
            ["/data/fer.csv", "{\"epochs\":3}", "epoch 1: loss 1.5000, accuracy 50.00 %, macro-F1 0.4000"]
        },
        {
            new StatisticsView(
                "a",
                new PipelineStatistics(11, 12, new SortedDictionary<string, long> { ["too_large"] = 13 }, 14, 15),
                new BatchingStatistics(32, 8, new Dictionary<int, long> { [4] = 8 }, 1, 2),
                new TransportStatistics(true, true, true, IntakeMode.Full, new IntakeCounters { Delivered = 77 }, 1, 0, 76, 2, 3),
                new ModelHostStatistics(5, 100, 6, 1, 0, 12.9, 63.2, 4567, 3, 1, 200, 222, 2)
                {
                    Engines = [new EngineClass(2, 4, "libtorch bf16")],
                    Instances = [new InstanceStatus(1, "cuda:1", InstanceState.Out, "The device is lost.", 40, 3, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4))],
                },
                new ShadowReport("v2", "v3", 10, 9, 0.125, 4, 1, []),
                new DriftStatus(DriftLevel.Warn, "aa", null, 500, 0, []),
                Fleet),
            ["too_large", "13", "4.00", "blocked by the broker", "77", "12.9", "4567", "engine for 2-4 faces", "cuda:1", "Out", "25.00 %", "The device is lost.", "libtorch bf16", "90.00 %", "0.1250", "Warn", "node-1"]
        },
    };

    [Theory]
    [MemberData(nameof(Views))]
    public void A_view_is_a_table_for_people_and_comes_back_from_JSON_as_it_was(OperatorView view, string[] cells)
    {
        var reply = new OperatorReply(OperatorOutcome.Done, "done", "It is done.", view);
        var text = ReplyRenderer.ToText(reply, Wide);
        var json = OperatorJson.Write(reply);
        var back = JsonSerializer.Deserialize<OperatorReply>(json, OperatorJson.Replies)!;

        Assert.StartsWith("It is done.\n", text, StringComparison.Ordinal);
        Assert.All(cells, cell => Assert.Contains(cell, text, StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', text);
        Assert.Equal(json, OperatorJson.Write(back));
        Assert.Equal(text, ReplyRenderer.ToText(back, Wide));
    }

    [Fact]
    public void Markup_and_control_characters_of_strangers_are_shown_and_not_obeyed()
    {
        var view = new ClusterView("a", null, [new MemberView("[red]x[/]", "Up", true, ["\u001b[2J", "a\nb"])]);

        var text = ReplyRenderer.ToText(OperatorReply.Done("line\nforged\u001b[2J", view));

        Assert.Contains("[red]x[/]", text, StringComparison.Ordinal);
        Assert.Contains("a b", text, StringComparison.Ordinal);
        Assert.StartsWith("line forged ", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
    }

    [Fact]
    public void What_was_not_done_goes_to_the_errors_and_with_json_everything_to_the_output()
    {
        var reply = OperatorReply.Refused("It's 'no'.", new ChangeView(1, [new GateRefusal("metrics", null, null, null, "Gate metrics")]));
        using var output = new StringWriter();
        using var errors = new StringWriter();
        using var json = new StringWriter();

        ReplyRenderer.Write(reply, json: false, output, errors, terminal: false);
        ReplyRenderer.Write(reply, json: true, json, errors, terminal: false);

        Assert.Equal("fer: It's 'no'." + Environment.NewLine, errors.ToString());
        Assert.Contains("It's 'no'.", json.ToString(), StringComparison.Ordinal);
        Assert.Contains("metrics", output.ToString(), StringComparison.Ordinal);
        Assert.Equal("refused", JsonDocument.Parse(json.ToString()).RootElement.GetProperty("outcome").GetString());
    }

    [Fact]
    public void A_watched_run_gives_a_line_for_each_change_and_none_for_a_repetition()
    {
        var later = Run with { Progress = Run.Progress! with { Step = 16 } };
        var ended = Run with { Wish = StopWish.None, Node = null, Progress = null };
        var failed = ended with { State = RunState.Failed, Failure = "The disk is full." };

        Assert.Equal(3, RunWatch.Lines(null, Run).Count());
        Assert.Empty(RunWatch.Lines(Run, Run));
        Assert.Equal(["Running epoch 2/3 step 16/30 loss 1.4000 200 img/s eta 00:01:15"], RunWatch.Lines(Run, later));
        Assert.Equal(["Failed: The disk is full."], RunWatch.Lines(later, failed));
    }

    [Fact]
    public void Before_the_first_promotion_what_a_node_serves_is_called_its_own()
    {
        var own = Fleet.Nodes[0] with
        {
            Status = new NodeModelStatus("a", "node-1", 0, [new ModelSlotStatus(ModelSlot.Champion, "4", "aa", ModelPhase.Serving, null, Time)]),
        };
        var view = new FleetView(0, 0, null, null, null, null, null, null, true, true, null, null, null, [own]);

        var text = ReplyRenderer.ToText(OperatorReply.Done("Before.", view));

        Assert.Contains("none promoted: each node serves its own Model:Path", text, StringComparison.Ordinal);
        Assert.Contains(" Model:Path ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Champion", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_of_versions_shows_which_is_canary_and_shadow_and_for_what_share()
    {
        var list = new ModelsView(7, [Summary with { Aliases = ["challenger"], CanaryShare = 0.05, ShadowShare = 0.5 }]);

        Assert.Contains("challenger, canary 5.00 %, shadow 50.00 %", ReplyRenderer.ToText(OperatorReply.Done("", list), Wide), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_waits_for_the_registry_and_its_exit_code_is_what_the_registry_said()
    {
        var finished = Run with { State = RunState.Registered, Wish = StopWish.None, Node = null, Progress = null };
        var busy = finished with { Refusal = "The registry is busy." };
        var refused = finished with { Refusal = "v4 is registered already.", RefusalIsFinal = true };
        var confirmed = finished with { Confirmed = true };

        var (good, told) = await WatchAsync(finished, busy, busy, confirmed);
        var (bad, reason) = await WatchAsync(finished, refused);

        Assert.Equal((OperatorExitCodes.Done, OperatorExitCodes.Refused), (good, bad));
        Assert.Equal(
            ["Finished, not registered yet", "Finished, not registered yet: The registry is busy.", "Registered as v4"],
            told.Where(line => !line.StartsWith("epoch", StringComparison.Ordinal)));
        Assert.Equal("Finished, not registered: v4 is registered already.", reason[^1]);
    }

    private static async Task<(int Code, List<string> Lines)> WatchAsync(params RunSummary[] runs)
    {
        var looks = new Queue<RunSummary>(runs);
        var lines = new List<string>();
        var code = await RunWatch.FollowAsync(
            () => Task.FromResult(OperatorReply.Done("", new RunDetailsView(looks.Dequeue(), null, null, null))),
            reply => reply.ExitCode, lines.Add, json: false, TimeSpan.Zero, CancellationToken.None);
        return (code, lines);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"operation":"model.destroy"}""")]
    [InlineData("""{"operation":"model.promote"}""")]
    [InlineData("""{"operation":"model.promote","version":null}""")]
    [InlineData("""{"operation":"model.promote","version":"v1","froce":true}""")]
    [InlineData("""{"operation":"model.canary","version":"v1","share":"all"}""")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    public void A_request_with_a_mistake_is_no_request(string json) =>
        Assert.ThrowsAny<JsonException>(() => OperatorJson.ReadRequest(System.Text.Encoding.UTF8.GetBytes(json)));
}
