using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Cluster;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>Nodes that die, come and go while images flow: five processes, a real broker and a real database.</summary>
[Collection(BrokerCollection.Name)]
public sealed class FaultSpecs(BrokerNode broker, PostgresNode database, ITestOutputHelper output) : IClassFixture<PostgresNode>
{
    // Prefetch of the killed node.
    private const int Held = 16;

    [SkippableFact]
    public async Task Nodes_that_are_killed_join_and_leave_under_load_lose_no_message()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 3);
        await using var load = Load.Start(queues);
        var (killed, leaving) = (cluster.Inference[0], cluster.Inference[1]);

        // Killed while it certainly holds images: an answer of it has just come.
        await load.AnsweredByAsync([killed], from: 0);
        killed.Process.Signal("KILL");
        var atKill = load.Answered;
        Assert.NotEqual(0, await killed.Process.ExitAsync());

        // It is not let in before the killed one is downed, and answers after it is.
        var joining = cluster.Join(NodeRoles.Inference);
        await joining.BecomesReadyAsync();
        await load.AnsweredByAsync([joining], atKill);
        var atJoin = load.Answered;

        leaving.Process.Signal("TERM");
        Assert.Equal(0, await leaving.Process.ExitAsync());
        var atLeave = load.Answered;
        await load.MoreAsync(50);
        var tally = await load.FinishAsync();

        output.WriteLine($"answered at the kill {atKill}, the join {atJoin}, the leave {atLeave}");
        foreach (var node in load.Answers().GroupBy(o => o.Node))
        {
            output.WriteLine($"{node.Key} answered {node.Count()}, longest gap {Load.LongestGap(node).TotalMilliseconds:0} ms");
        }

        Chaos.Report(
            output,
            "kill -9 of an inference node that holds images, then a node that joins, then SIGTERM of another",
            "what it held is answered by others; the one that leaves finishes what it holds and exits 0",
            Tally.Expected(Held),
            tally.ToString());
        tally.AssertWhole(Held);
        await Task.WhenAll(cluster.Nodes.Except([killed, leaving]).Select(node => node.BecomesReadyAsync()));
    }

    [SkippableFact]
    public async Task All_inference_nodes_are_killed_at_once_and_what_they_held_is_answered_by_those_that_follow()
    {
        Chaos.SkipUnlessFull();
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 3);
        await using var load = Load.Start(queues);
        var killed = cluster.Inference;
        await load.AnsweredByAsync(killed, from: 0);

        foreach (var node in killed)
        {
            node.Process.Signal("KILL");
        }

        await Task.WhenAll(killed.Select(node => node.Process.ExitAsync()));
        var atKill = load.Answered;
        List<ClusterNode> joining = [cluster.Join(NodeRoles.Inference), cluster.Join(NodeRoles.Inference)];
        await Task.WhenAll(joining.Select(node => node.BecomesReadyAsync()));
        await load.AnsweredByAsync(joining, atKill);
        await load.MoreAsync(200);
        var tally = await load.FinishAsync();

        Chaos.Report(
            output,
            "kill -9 of all three inference nodes at once; two others join",
            "what they held and what waited is answered by those that join",
            Tally.Expected(3 * Held),
            tally.ToString());
        tally.AssertWhole(3 * Held);
    }

    [SkippableFact]
    public async Task Every_inference_node_is_told_to_stop_and_replaced_in_turn()
    {
        Chaos.SkipUnlessFull();
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 3);
        await using var load = Load.Start(queues);
        await load.AnsweredByAsync(cluster.Inference, from: 0);

        foreach (var node in cluster.Inference)
        {
            node.Process.Signal("TERM");
            Assert.Equal(0, await node.Process.ExitAsync());
            var answered = load.Answered;
            var joining = cluster.Join(NodeRoles.Inference);
            await joining.BecomesReadyAsync();
            await load.AnsweredByAsync([joining], answered);
        }

        var tally = await load.FinishAsync();
        Chaos.Report(
            output,
            "SIGTERM of each inference node in turn, each replaced before the next",
            "each finishes what it holds and exits 0",
            Tally.Expected(3 * Held),
            tally.ToString());
        tally.AssertWhole(3 * Held);
    }
}
