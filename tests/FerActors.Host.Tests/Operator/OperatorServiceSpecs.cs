using System.Text.Json;
using Akka.Actor;
using Akka.Hosting;
using FerActors.Control.Training;
using FerActors.Host.Node;
using FerActors.Host.Operator;
using FerActors.Shared.Cluster;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Models;
using Microsoft.Extensions.DependencyInjection;
using ClusterOptions = FerActors.Shared.Options.ClusterOptions;

namespace FerActors.Host.Tests.Operator;

public sealed class OperatorServiceSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-operator-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Versions_are_registered_promoted_compared_and_rolled_back()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        var register = await DoneAsync(node, new ModelRequests.Register("v1", Model("v1", 1, right: 4), "parent"));
        await DoneAsync(node, new ModelRequests.Register("v2", Model("v2", 2, right: 4)));
        await DoneAsync(node, new ModelRequests.Register("worse", Model("worse", 3, right: 2)));
        await DoneAsync(node, new ModelRequests.Promote("v1"));
        await DoneAsync(node, new ModelRequests.Promote("v2"));

        var refused = await node.Operators.ExecuteAsync(new ModelRequests.Promote("worse"));
        var canary = await DoneAsync(node, new ModelRequests.Canary("worse", 0.25));
        var shadow = await DoneAsync(node, new ModelRequests.Shadow("worse", 0.5));
        var status = await DoneAsync(node, new ModelRequests.Status());
        var challenged = await DoneAsync(node, new ModelRequests.List());
        await DoneAsync(node, new ModelRequests.EndCanary());
        await DoneAsync(node, new ModelRequests.EndShadow());
        var rolledBack = await DoneAsync(node, new ModelRequests.Rollback("it was the wrong one"));
        await DoneAsync(node, new ModelRequests.Quarantine("worse", "it is worse"));
        var verified = await DoneAsync(node, new ModelRequests.Verify("v1"));
        var deleted = await DoneAsync(node, new ModelRequests.Delete("worse"));
        var list = await DoneAsync(node, new ModelRequests.List());
        var one = await DoneAsync(node, new ModelRequests.Describe("v1"));

        Assert.Equal((OperatorOutcome.Refused, "gate_refused", 1), (refused.Outcome, refused.Code, refused.ExitCode));
        Assert.Contains(
            Assert.IsType<ChangeView>(refused.View).Gates, g => g is { Gate: PromotionGates.Accuracy, Candidate: 0.5, Champion: 1 });
        Assert.Contains("Gate accuracy", refused.Message, StringComparison.Ordinal);
        var fleet = Assert.IsType<FleetView>(status.View);
        Assert.Equal(
            ("v2", "worse", 0.25, "worse", 0.5, "v1"),
            (fleet.Champion, fleet.Canary, fleet.CanaryShare, fleet.Shadow, fleet.ShadowShare, fleet.Previous));
        Assert.Contains(fleet.Nodes, n => n is { Reachable: true, Converged: false });
        Assert.Equal(
            [("v1", null, null), ("v2", null, null), ("worse", 0.25, 0.5)],
            Assert.IsType<ModelsView>(challenged.View).Models.Select(m => (m.Version, m.CanaryShare, m.ShadowShare)));
        Assert.Equal("Rolled back from v2 to v1. 0 of 1 inference nodes serve it yet.", rolledBack.Message);
        Assert.All([register, canary, shadow, verified, deleted], r => Assert.IsType<ChangeView>(r.View));
        var versions = Assert.IsType<ModelsView>(list.View).Models;
        Assert.Equal([("v1", "champion"), ("v2", "previous")], versions.Select(v => (v.Version, string.Join(' ', v.Aliases))));
        var details = Assert.IsType<ModelView>(one.View);
        Assert.Equal(("parent", 1.0), (details.Provenance.Parent, details.Model.Accuracy));
        Assert.Equal(64, details.Files[ModelPointer.WeightsFile].Length);
    }

    [Fact]
    public async Task A_run_is_submitted_paused_resumed_finished_and_promoted()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        var submit = Submission("first");
        var queued = await DoneAsync(node, submit);
        var again = await DoneAsync(node, submit with { Options = Json("{ \"epochs\" : 3 }") });
        await node.Executor.NextAsync();
        var early = await node.Operators.ExecuteAsync(new TrainRequests.Promote("first"));
        await DoneAsync(node, new TrainRequests.Pause("first"));
        await node.ReplyWhen(new TrainRequests.Describe("first"), r => StateOf(r) == RunState.Paused);
        await DoneAsync(node, new TrainRequests.Resume("first"));
        var (listener, end) = await node.Executor.NextAsync();
        listener.Reached(RunState.Running);
        listener.Finished(new EpochMetrics(1, 10, 1.5, 0.5, 0.4));
        listener.Advanced(new RunProgress(2, 3, 15, 30, 1.4, 200, 30));
        var running = await node.ReplyWhen(new TrainRequests.Describe("first"), r => r.View is RunDetailsView { Run.Progress: not null });
        end.SetResult(Model("finished", 1, right: 4));
        await node.ReplyWhen(new TrainRequests.Describe("first"), r => r.View is RunDetailsView { Run.Confirmed: true });
        var list = await DoneAsync(node, new TrainRequests.List());
        var promoted = await DoneAsync(node, new TrainRequests.Promote("first"));
        var model = await DoneAsync(node, new ModelRequests.Describe("v-first"));

        Assert.Equal(("done", "Run 'first' is queued."), (queued.Code, queued.Message));
        Assert.Equal("unchanged", again.Code);
        Assert.Equal(OperatorOutcome.Refused, early.Outcome);
        Assert.Contains("it has no finished model to promote", early.Message, StringComparison.Ordinal);
        var details = Assert.IsType<RunDetailsView>(running.View);
        Assert.Equal((2, 0.5, 2), (details.Run.Attempt, details.Run.LastEpoch!.Accuracy, details.Run.Progress!.Epoch));
        Assert.Equal(3, details.Options!.Value.GetProperty("epochs").GetInt32());
        Assert.Equal("first", Assert.Single(Assert.IsType<RunsView>(list.View).Runs).Id);
        Assert.Equal("v-first is the champion. 0 of 1 inference nodes serve it yet.", promoted.Message);
        Assert.Equal("first", Assert.IsType<ModelView>(model.View).Provenance.RunId);
    }

    [Fact]
    public async Task A_name_that_is_taken_is_refused_at_the_submission_and_one_that_is_taken_later_is_the_reason_of_everything()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        await DoneAsync(node, new ModelRequests.Register("v-old", Model("old", 1, right: 4)));
        var taken = await node.Operators.ExecuteAsync(Submission("old"));
        await DoneAsync(node, Submission("first"));
        var reserved = await node.Operators.ExecuteAsync(Submission("second") with { ModelVersion = "v-first" });
        var (_, end) = await node.Executor.NextAsync();
        await DoneAsync(node, new ModelRequests.Register("v-first", Model("other", 2, right: 4)));
        end.SetResult(Model("finished", 3, right: 4));
        var described = await node.ReplyWhen(new TrainRequests.Describe("first"), r => r.View is RunDetailsView { Run.Refusal: not null });
        var promoted = await node.Operators.ExecuteAsync(new TrainRequests.Promote("first"));
        var list = await DoneAsync(node, new TrainRequests.List());

        const string Why = "v-first is registered with other content; versions never change. Choose another name.";
        Assert.Equal(
            (OperatorOutcome.Refused, "Run 'old' is not queued: v-old is registered already, and versions never change. Choose another name."),
            (taken.Outcome, taken.Message));
        Assert.Equal(OperatorOutcome.Refused, reserved.Outcome);
        Assert.StartsWith("The version name 'v-first' is reserved by run 'first', which is ", reserved.Message, StringComparison.Ordinal);
        Assert.Equal($"Run 'first' is finished, but its model is not in the registry: {Why}", described.Message);
        Assert.Equal(
            (Why, true, true),
            described.View is RunDetailsView { Run: var run } ? (run.Refusal, run.RefusalIsFinal, run.IsFinal) : default);
        Assert.Equal((OperatorOutcome.Refused, 1), (promoted.Outcome, promoted.ExitCode));
        Assert.StartsWith($"Run 'first' is finished, but the registry does not take its model: {Why}", promoted.Message, StringComparison.Ordinal);
        Assert.Contains($"Finished, not registered: {Why}", ReplyRenderer.ToText(list, 400), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RunState.Paused, false, "Run 'first' is Paused: it has no finished model to promote.")]
    [InlineData(RunState.Failed, false, "Run 'first' is Failed: it has no finished model to promote.")]
    [InlineData(RunState.Registered, false, "Run 'first' is finished, but the registry does not have its model yet.")]
    [InlineData(RunState.Registered, true, null)]
    public void A_run_is_promoted_once_the_registry_has_its_model(RunState state, bool confirmed, string? why)
    {
        var spec = new RunSpec(RunId.Parse("first"), "", "{}", "", null, 0, ModelVersionId.Parse("v1"));
        var run = new TrainingRun(spec, state, 1, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch) { Confirmed = confirmed };

        Assert.Equal(why, TrainOperations.WhyNotPromoted(new RunView(run, null)));
    }

    [Fact]
    public async Task Refusals_are_the_actors_sentences_and_misspelt_names_reach_no_actor()
    {
        await using var node = await OperatorNode.StartAsync(_folder);
        await DoneAsync(node, Submission("first"));

        var unknownRun = await node.Operators.ExecuteAsync(new TrainRequests.Cancel("second"));
        var unlucky = await node.Operators.ExecuteAsync(Submission("unlucky") with { Options = Json("""{"epochs":13}""") });
        var busy = await node.Operators.ExecuteAsync(new TrainRequests.Delete("first"));
        var cancelled = await DoneAsync(node, new TrainRequests.Cancel("first"));
        var noChampion = await node.Operators.ExecuteAsync(new ModelRequests.Rollback("why not"));
        var noVersion = await node.Operators.ExecuteAsync(new ModelRequests.Describe("v9"));
        var badVersion = await node.Operators.ExecuteAsync(new ModelRequests.Describe("../v9"));
        var badRun = await node.Operators.ExecuteAsync(new TrainRequests.Describe("UPPER"));
        var relative = await node.Operators.ExecuteAsync(new ModelRequests.Register("v1", "models/v1"));

        Assert.Equal(("not_found", "There is no run 'second'."), (unknownRun.Code, unknownRun.Message));
        Assert.Equal(("invalid", OperatorOutcome.Refused, "13 epochs are unlucky."), (unlucky.Code, unlucky.Outcome, unlucky.Message));
        Assert.Equal("refused", busy.Code);
        Assert.Contains("cancelled", cancelled.Message, StringComparison.Ordinal);
        Assert.Equal("There is no champion to roll back.", noChampion.Message);
        Assert.Equal(("not_found", "There is no version v9."), (noVersion.Code, noVersion.Message));
        Assert.All([badVersion, badRun, relative], r => Assert.Equal((OperatorOutcome.Invalid, 2), (r.Outcome, r.ExitCode)));
    }

    [Fact]
    public async Task A_node_without_a_way_to_an_actor_and_a_cluster_without_its_role_say_so()
    {
        var builder = new Microsoft.Extensions.Hosting.HostApplicationBuilder(
            new Microsoft.Extensions.Hosting.HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka(ClusterOptions.SystemName, akka => akka
            .WithFerCluster(new ClusterOptions { Roles = [NodeRoles.Api] })
            .AddTrainingSupervisorProxy());
        using var host = builder.Build();
        await host.StartAsync();
        var operators = new OperatorService(
            host.Services.GetRequiredService<ActorSystem>(),
            host.Services.GetRequiredService<IReadOnlyActorRegistry>(),
            OperatorNode.Patience,
            OperatorNode.Patience);

        await Membership.UpAsync(host.Services.GetRequiredService<ActorSystem>(), OperatorNode.Patience);
        var models = await operators.ExecuteAsync(new ModelRequests.List());
        var runs = await operators.ExecuteAsync(new TrainRequests.List());
        var statistics = await operators.ExecuteAsync(new StatisticsRequest());
        await host.StopAsync();

        Assert.Equal((OperatorOutcome.NoAnswer, 4), (models.Outcome, models.ExitCode));
        Assert.Equal("This node has no way to the model registry; ask a node that has.", models.Message);
        Assert.Equal("No member of the cluster has the role training, so the training supervisor is not there.", runs.Message);
        Assert.True(statistics.View is StatisticsView { Pipeline: null, Transport: null, Fleet: null });
    }

    [Fact]
    public async Task A_silent_actor_is_named_and_what_was_asked_of_it_is_called_unknown()
    {
        var builder = new Microsoft.Extensions.Hosting.HostApplicationBuilder(
            new Microsoft.Extensions.Hosting.HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka(ClusterOptions.SystemName, akka => akka
            .WithFerCluster(new ClusterOptions { Roles = [NodeRoles.Control] })
            .WithActors((system, registry) => registry.Register<ModelRegistry>(system.DeadLetters)));
        using var host = builder.Build();
        await host.StartAsync();
        var operators = new OperatorService(
            host.Services.GetRequiredService<ActorSystem>(),
            host.Services.GetRequiredService<IReadOnlyActorRegistry>(),
            TimeSpan.FromMilliseconds(50),
            TimeSpan.FromMilliseconds(50));

        var reply = await operators.ExecuteAsync(new ModelRequests.Promote("v1"));
        await host.StopAsync();

        Assert.Equal(OperatorOutcome.NoAnswer, reply.Outcome);
        Assert.Equal(
            "No answer came from the model registry within 0.05 s. Whether it will still do what was asked is unknown.", reply.Message);
    }

    private static TrainRequests.Submit Submission(string id) => new(id, "the first", "/data/fer.csv", "v-" + id, Json("""{"epochs":3}"""));

    private static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);

    private static RunState? StateOf(OperatorReply reply) => (reply.View as RunDetailsView)?.Run.State;

    private static async Task<OperatorReply> DoneAsync(OperatorNode node, OperatorRequest request)
    {
        var reply = await node.Operators.ExecuteAsync(request);
        Assert.True(reply.Outcome == OperatorOutcome.Done, reply.Message);
        return reply;
    }

    private string Model(string name, int seed, int right) => SmallModel.Write(Path.Combine(_folder, "trained-" + name), seed, right);
}
