using System.Text.Json;
using FerActors.Host.Operator;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Cluster;
using FerActors.Shared.Training;
using FerActors.Testing;
using FerActors.Testing.Models;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>Three seeds as in k8s/, of which the one that hosts the registry and the training supervisor dies.</summary>
[Collection(BrokerCollection.Name)]
public sealed class SeedLossSpecs(BrokerNode broker, PostgresNode database, ITestOutputHelper output)
    : IClassFixture<PostgresNode>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task The_registry_and_the_supervisor_of_a_killed_node_go_on_at_another_with_all_that_they_knew()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        using var models = new ModelFolders();
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.ThreeSeeds, inference: 2);
        var operated = cluster.Inference[0];
        await operated.DoAsync(new ModelRequests.Register("shipped", Surroundings.ShippedModel));
        await operated.DoAsync(new ModelRequests.Register("warm", models.Warm));
        await operated.DoAsync(new ModelRequests.Register("small", models.Small));
        await operated.DoAsync(new ModelRequests.Promote("shipped"));
        await operated.DoAsync(new ModelRequests.Promote("warm", Force: true));
        await PauseRunAsync(operated);
        var before = await operated.FleetWhen(fleet => fleet.Converged);
        var versions = await VersionsAsync(operated);
        var runs = await RunsAsync(operated);
        await using var load = Load.Start(queues);
        await load.AnsweredByAsync(cluster.Inference, from: 0);

        // Both are at the oldest node of their role.
        var killed = await OldestSeedAsync(cluster);
        var (atKill, killedAt) = (load.Answered, load.Now);
        killed.Process.Signal("KILL");
        Assert.NotEqual(0, await killed.Process.ExitAsync());
        var versionsAfter = await VersionsAsync(operated);
        var registryAfter = load.Now - killedAt;
        var runsAfter = await RunsAsync(operated);
        var bothAfter = load.Now - killedAt;
        var meanwhile = load.Answered - atKill;
        var after = await operated.FleetWhen(fleet => fleet.Converged && fleet.Nodes.Count == 2);

        var answered = load.Answered;
        await operated.DoAsync(new ModelRequests.Promote("small", Force: true));
        await load.AnsweredByAsync(cluster.Inference, answered, "small");
        var tally = await load.FinishAsync();

        var gap = Load.LongestGap(load.Answers());
        output.WriteLine($"the registry answered after {registryAfter.TotalSeconds:0.0} s, both after {bothAfter.TotalSeconds:0.0} s");
        output.WriteLine($"{meanwhile} images answered in between; longest gap {gap.TotalMilliseconds:0} ms");
        Chaos.Report(
            output,
            "kill -9 of the node that hosts the registry and the training supervisor, two other seeds",
            "both go on at another node with the same versions, runs and desired version; a promotion works; images flow throughout",
            Tally.Expected(0),
            $"{tally}; {meanwhile} answered while the registry was away; versions, runs and desired version as before");

        tally.AssertWhole(duplicates: 0);
        Assert.NotEqual(0, meanwhile);
        Assert.Equal(versions, versionsAfter);
        Assert.Equal(runs, runsAfter);
        Assert.Equal(
            (before.Champion, before.Previous, before.DesiredSequence), (after.Champion, after.Previous, after.DesiredSequence));
        Assert.DoesNotContain(load.Answers(answered), o => o.Version is not ("warm" or "small"));
    }

    private static async Task<ClusterNode> OldestSeedAsync(ProcessCluster cluster)
    {
        var members = (await cluster.Control.MembersAsync()).Members;
        var oldest = members.First(member => member.Roles.Contains(NodeRoles.Control)).Address;
        foreach (var node in cluster.Nodes)
        {
            if ((await node.MembersAsync()).Self == oldest)
            {
                return node;
            }
        }

        throw new InvalidOperationException($"No node has the address {oldest}.");
    }

    // A run that needs no worker, so that nothing about it changes by itself.
    private async Task PauseRunAsync(ClusterNode node)
    {
        var data = SmallCsv.Write(Path.Combine(_folder, "fer.csv"), 140, 14);
        var options = JsonDocument.Parse("""{"preset": "tiny", "epochs": 500, "compute": "fp32", "threads": 1}""").RootElement;
        await node.DoAsync(new TrainRequests.Submit("waiting", "waiting", data, "trained", options));
        await node.DoAsync(new TrainRequests.Pause("waiting"));
        await node.ReplyWhen(
            new TrainRequests.Describe("waiting"), reply => reply.View is RunDetailsView { Run.State: RunState.Paused });
    }

    private static async Task<string> VersionsAsync(ClusterNode node) =>
        OperatorJson.Write(await node.ReplyWhen(new ModelRequests.List(), reply => reply.View is ModelsView));

    private static async Task<IEnumerable<(string Id, RunState State, string Version, int Attempt, DateTimeOffset Since)>> RunsAsync(
        ClusterNode node)
    {
        var reply = await node.ReplyWhen(new TrainRequests.List(), reply => reply.View is RunsView);
        return [.. ((RunsView)reply.View!).Runs.Select(run => (run.Id, run.State, run.ModelVersion, run.Attempt, run.ChangedAt))];
    }
}
