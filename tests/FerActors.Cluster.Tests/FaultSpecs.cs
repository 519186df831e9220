using FerActors.Host.Tests.Brokers;
using FerActors.Host.Tests.Databases;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Cluster;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>Nodes that die, come and go while images flow: five processes, a real broker and a real database.</summary>
[Collection(BrokerCollection.Name)]
public sealed class FaultSpecs(BrokerNode broker, PostgresNode database, ITestOutputHelper output) : IClassFixture<PostgresNode>
{
    private const int Nodes = 3;

    [SkippableFact]
    public async Task Nodes_that_are_killed_join_and_leave_under_load_lose_no_message()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var cluster = await ProcessCluster.StartAsync(queues, await database.CreateDatabaseAsync(), Nodes);
        await using var load = await Load.StartAsync(queues);
        var (killed, leaving) = (cluster.Inference[0], cluster.Inference[1]);

        // Killed while it certainly holds images: an answer of it has just come.
        await load.RunAsync(() => load.Outcomes.Values.Any(o => o[0].Node == killed.Name));
        killed.Process.Signal("KILL");
        var atKill = load.Outcomes.Count;
        Assert.NotEqual(0, await killed.Process.ExitAsync());

        // It is not let in before the killed one is downed, and answers after it is.
        var joining = cluster.Join(NodeRoles.Inference);
        var ready = joining.BecomesReadyAsync();
        await load.RunAsync(() => ready.IsCompleted);
        await ready;
        await load.RunAsync(() => load.Outcomes.Values.Any(o => o[0].Node == joining.Name));
        var atJoin = load.Outcomes.Count;

        leaving.Process.Signal("TERM");
        var left = leaving.Process.ExitAsync();
        await load.RunAsync(() => left.IsCompleted);
        Assert.Equal(0, await left);
        var atLeave = load.Outcomes.Count;
        await load.RunAsync(() => load.Outcomes.Count >= atLeave + 50);
        await load.FinishAsync();

        var duplicates = load.Outcomes.Values.Sum(o => o.Count - 1);
        output.WriteLine($"published {load.Published}, answered {load.Outcomes.Count} (at the kill {atKill}, the join {atJoin}, the leave {atLeave})");
        output.WriteLine($"lost {load.Published - load.Outcomes.Count}, duplicates {duplicates}, errors {load.Outcomes.Values.Count(o => o.Any(r => r.Error is not null))}");
        foreach (var node in load.Outcomes.Values.Select(o => o[0]).GroupBy(r => r.Node))
        {
            output.WriteLine($"{node.Key} answered {node.Count()}");
        }

        Assert.Equal(load.Published, load.Outcomes.Count);
        Assert.All(load.Outcomes.Values, o => Assert.All(o, result => Assert.Null(result.Error)));

        // Between the confirm of a result and the acknowledgement of its image a second, equal answer is possible.
        Assert.InRange(duplicates, 0, 16);
        Assert.All(load.Outcomes.Values, o => Assert.Single(o.Select(result => result.Faces[0].Label).Distinct()));
        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.ImagesQueue));
        Assert.Equal(0u, await queues.Client.Channel.MessageCountAsync(queues.Options.DeadLetterQueue));
        await Task.WhenAll(new[] { cluster.Control, cluster.Training, cluster.Inference[2], joining }.Select(node => node.BecomesReadyAsync()));
    }
}
