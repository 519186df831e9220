using Akka.Actor;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Models;
using FerActors.Testing.Processes;
using FerActors.Vision.Model;

namespace FerActors.Host.Tests.Training;

/// <summary>A node with all roles as it ships: from the submission of a run to the images that its model answers.</summary>
public sealed class TrainingServiceSpecs : IDisposable
{
    // Whole epochs of a second or so, that a pause finds under way.
    private const string Options = """
        {"preset": "tiny", "epochs": EPOCHS, "batch_size": 8, "compute": "fp32", "threads": 1, "learning_rate": 0.001}
        """;

    private readonly NodeData _data = new();
    private readonly string _csv;

    public TrainingServiceSpecs() => _csv = SmallCsv.Write(Path.Combine(_data.Folder, "fer.csv"), 160, 21);

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_submitted_run_becomes_a_version_that_serves_once_it_is_promoted_and_again_after_a_start()
    {
        var run = Run("first", epochs: 1);
        await using (var node = await ServiceNode.StartAsync(_data))
        {
            var submitted = await node.CommandAsync(new TrainingCommands.Submit(run));
            var moving = await node.RunWhen(run.Id, r => r.Progress is not null || r.Run.LastEpoch is not null);
            var ended = await node.RunWhen(run.Id, r => r.Run.Confirmed || r.Run.State == RunState.Failed);

            Assert.Equal(CommandCode.Accepted, submitted.Code);
            Assert.True(moving.Progress is { Steps: 20 } || moving.Run.LastEpoch is { Epoch: 1 });
            Assert.Equal((RunState.Registered, null, 1), (ended.Run.State, ended.Run.Failure, ended.Run.Attempt));
            Assert.Equal(1, ended.Run.LastEpoch!.Epoch);
            Assert.NotEmpty(Directory.GetFiles(Path.Combine(_data.Runs, "first", "tensorboard")));

            var model = await node.Registry.Ask<ModelDescription>(new RegistryQueries.Describe(run.ModelVersion), ServiceNode.Patience);
            var provenance = model.Model.Manifest.Provenance;
            Assert.Equal(("first", "run first of the training service"), (provenance.RunId, provenance.Command));
            Assert.Matches("^[0-9a-f]{64}$", provenance.DataSha256);
            Assert.NotNull(model.Model.Manifest.Metrics);
            Assert.Equal("fer-vit-compact", (await node.ServingWhen(_ => true)).Model.Name);

            var promoted = await node.RegistryAsync(new RegistryCommands.Promote(run.ModelVersion));
            var serving = await node.ServingWhen(s => s.Model.Version == "v1");
            var status = await node.StatusWhen(s => s.Converged && s.Nodes.Count == 1);

            Assert.True(promoted.Code == RegistryCode.Done, promoted.Message);
            Assert.Equal(model.Model.Manifest.Files[VitCheckpoint.WeightsFileName], serving.Model.WeightsSha256);
            Assert.Equal(run.ModelVersion, status.Desired.Champion!.Version);
        }

        await using var next = await ServiceNode.StartAsync(_data);
        await next.ServingWhen(s => s.Model.Version == "v1");
        Assert.True((await next.RunWhen(run.Id, _ => true)).Run.Confirmed);
    }

    [Fact]
    public async Task A_paused_run_goes_on_from_its_checkpoint_and_a_cancelled_one_ends()
    {
        var run = Run("long", epochs: 6);
        var other = Run("other", epochs: 500, version: "v2");
        await using var node = await ServiceNode.StartAsync(_data, "Cluster:Roles:0=training", "Cluster:Roles:1=control");
        await node.CommandAsync(new TrainingCommands.Submit(run));
        await node.CommandAsync(new TrainingCommands.Submit(other));
        await node.RunWhen(run.Id, r => r.Run.LastEpoch is not null);

        Assert.Equal(CommandCode.Accepted, (await node.CommandAsync(new TrainingCommands.Pause(run.Id))).Code);
        var paused = await node.RunWhen(run.Id, r => r.Run.State is RunState.Paused or RunState.Registered or RunState.Failed);
        Assert.Equal(RunState.Paused, paused.Run.State);

        // The node is free for the one that waits, which then has to make room.
        await node.RunWhen(other.Id, r => r.Run.State == RunState.Running);
        Assert.Equal(CommandCode.Refused, (await node.CommandAsync(new TrainingCommands.Delete(other.Id))).Code);
        await node.CommandAsync(new TrainingCommands.Resume(run.Id));
        await node.CommandAsync(new TrainingCommands.Cancel(other.Id));
        await node.RunWhen(other.Id, r => r.Run.State == RunState.Cancelled);
        var ended = await node.RunWhen(run.Id, r => r.Run.Confirmed || r.Run.State == RunState.Failed);

        Assert.Equal((RunState.Registered, null, 2), (ended.Run.State, ended.Run.Failure, ended.Run.Attempt));
        Assert.Equal(6, File.ReadLines(Path.Combine(_data.Runs, "long", "log.jsonl")).Count());
        Assert.Equal(CommandCode.Accepted, (await node.CommandAsync(new TrainingCommands.Delete(other.Id))).Code);
        Assert.Equal(CommandCode.NotFound, (await node.CommandAsync(new TrainingQueries.Describe(other.Id))).Code);
    }

    [Fact]
    public async Task A_model_that_the_registry_does_not_take_says_why_and_can_be_given_up()
    {
        var first = Run("one", epochs: 1, version: "v0");
        var second = Run("two", epochs: 6);
        await using var node = await ServiceNode.StartAsync(_data, "Cluster:Roles:0=training", "Cluster:Roles:1=control");
        await node.CommandAsync(new TrainingCommands.Submit(first));
        var known = await node.RunWhen(first.Id, r => r.Run.Confirmed);
        var submitted = await node.CommandAsync(new TrainingCommands.Submit(second));

        // Another model takes the name during the training.
        var taken = await node.RegistryAsync(new RegistryCommands.Register(second.ModelVersion, known.Run.ModelFolder!, ModelProvenance.Unknown));
        var late = await node.CommandAsync(new TrainingCommands.Submit(Run("three", epochs: 1)));
        var later = await node.CommandAsync(new TrainingCommands.Submit(Run("four", epochs: 1, version: "v0")));
        Assert.Equal((CommandCode.Accepted, RegistryCode.Done), (submitted.Code, taken.Code));
        Assert.Equal((CommandCode.Refused, CommandCode.Refused), (late.Code, later.Code));
        Assert.Contains("is reserved by run 'two'", late.Sentence, StringComparison.Ordinal);
        Assert.Equal("Run 'four' is not queued: v0 is registered already, and versions never change. Choose another name.", later.Sentence);
        var refused = await node.RunWhen(second.Id, r => r.Refusal is not null || r.Run.State == RunState.Failed);

        Assert.Equal((RunState.Registered, false), (refused.Run.State, refused.Run.Confirmed));
        Assert.Contains("v1", refused.Refusal, StringComparison.Ordinal);
        Assert.Equal(CommandCode.Accepted, (await node.CommandAsync(new TrainingCommands.Cancel(second.Id))).Code);
        Assert.Null((await node.RunWhen(second.Id, r => r.Run.State == RunState.Cancelled)).Refusal);
    }

    private RunSpec Run(string id, int epochs, string version = "v1") =>
        new(RunId.Parse(id), id, Json(epochs), _csv, null, 0, ModelVersionId.Parse(version));

    private static string Json(int epochs) =>
        Options.Replace("EPOCHS", epochs.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
