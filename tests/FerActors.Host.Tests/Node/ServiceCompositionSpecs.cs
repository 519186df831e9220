using Akka.Actor;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Inference.Serving;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Node;

/// <summary>The registry and the training supervisor as parts of a node.</summary>
public sealed class ServiceCompositionSpecs : IDisposable
{
    private readonly NodeData _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_node_with_all_roles_has_a_registry_and_a_supervisor_and_serves_the_configured_model_until_one_is_promoted()
    {
        await using var node = await ServiceNode.StartAsync(_data);

        var status = await node.StatusWhen(s => s.Announced);
        var runs = await node.Supervisor.Ask<RunList>(TrainingQueries.List.Instance, ServiceNode.Patience);
        await node.Models.Ask<ModelMayServe>(AwaitMayServe.Instance, ServiceNode.Patience);
        var serving = await node.ServingWhen(_ => true);

        Assert.Equal((0L, null), (status.Sequence, status.Desired.Champion));
        Assert.Empty(runs.Runs);
        Assert.Equal("fer-vit-compact", serving.Model.Name);
        Assert.True(File.Exists(_data.Journal));
    }

    [Fact]
    public async Task A_second_node_on_the_same_journal_is_refused_with_the_remedy_and_the_first_one_goes_on()
    {
        await using var node = await ServiceNode.StartAsync(_data, "Cluster:Roles:0=control");

        var refusal = await Assert.ThrowsAsync<IOException>(() => ServiceNode.StartAsync(_data, "Cluster:Roles:0=training"));

        Assert.Contains(_data.Journal, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"process {Environment.ProcessId}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("fer host --set Cluster:Alone=false", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Persistence:ConnectionString", refusal.Message, StringComparison.Ordinal);
        await node.StatusWhen(s => s.Announced);
    }

    [Fact]
    public async Task A_node_that_has_stopped_leaves_its_journal_to_the_next_one()
    {
        var id = RunId.Parse("waits");
        await using (var node = await ServiceNode.StartAsync(_data, "Cluster:Roles:0=training", "Cluster:Roles:1=control"))
        {
            await node.CommandAsync(new TrainingCommands.Submit(
                new RunSpec(id, "waits", "{}", Path.Combine(_data.Folder, "no.csv"), null, 0, ModelVersionId.Parse("v1"))));
            await node.RunWhen(id, r => r.Run.State == RunState.Failed);
        }

        await using var next = await ServiceNode.StartAsync(_data, "Cluster:Roles:0=training", "Cluster:Roles:1=control");

        Assert.Contains("no.csv", (await next.RunWhen(id, _ => true)).Run.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_of_other_roles_writes_no_journal()
    {
        await using (await ServiceNode.StartAsync(_data, "Cluster:Roles:0=api"))
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(_data.Folder));
        }
    }
}
