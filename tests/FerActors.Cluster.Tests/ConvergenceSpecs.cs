using System.Globalization;
using FerActors.Host.Operator;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Cluster;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>How long a promotion takes to reach all inference nodes, by their number.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ConvergenceSpecs(BrokerNode broker, PostgresNode database, ITestOutputHelper output) : IClassFixture<PostgresNode>
{
    private const int MostNodes = 4;
    private const int Swaps = 6;

    // Enough that every node has always something to answer, and not so many that loading waits for answering.
    private const int Unanswered = 12;

    [SkippableFact]
    public async Task One_to_four_nodes_that_join_under_load_converge_on_each_promotion()
    {
        Chaos.SkipUnlessFull();
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        using var folders = new ModelFolders();
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 1);
        await cluster.Control.DoAsync(new ModelRequests.Register("shipped", Surroundings.ShippedModel));
        await cluster.Control.DoAsync(new ModelRequests.Register("warm", folders.Warm));
        await cluster.Control.DoAsync(new ModelRequests.Promote("shipped"));
        await using var load = Load.Start(queues, Unanswered);
        await load.AnsweredByAsync(cluster.Inference, from: 0, "shipped");

        for (var nodes = 1; nodes <= MostNodes; nodes++)
        {
            if (nodes > 1)
            {
                // It joins late, and answers with what was promoted before it came.
                var answered = load.Answered;
                var joined = cluster.Join(NodeRoles.Inference);
                await joined.BecomesReadyAsync();
                await load.AnsweredByAsync([joined], answered);
            }

            var took = new List<double>();
            for (var i = 0; i < Swaps; i++)
            {
                var (answered, asked, version) = (load.Answered, load.Now, i % 2 == 0 ? "warm" : "shipped");
                await cluster.Control.DoAsync(new ModelRequests.Promote(version, Force: true));
                took.Add((await load.AnsweredByAsync(cluster.Inference, answered, version) - asked).TotalMilliseconds);
            }

            took.Sort();
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {nodes} | {took[Swaps / 2]:0} | {took[^1]:0} |"));
        }

        var tally = await load.FinishAsync();

        // The first node was there before the promotion, and may have answered with the model that it started with.
        var first = cluster.Inference[0].Name;
        var late = load.Answers().Where(o => o.Node != first).GroupBy(o => o.Node).Count(node => node.First().Version != "shipped");
        Chaos.Report(
            output,
            $"{Swaps} promotions at 1, 2, 3 and 4 inference nodes, three of which join under load",
            "a node that joins late serves the promoted version from its first answer on; no image dropped",
            Tally.Expected(0),
            $"{tally}; late nodes that began with another version {late}");
        tally.AssertWhole(duplicates: 0);
        Assert.Equal(0, late);
        Assert.Equal(MostNodes, load.Answers().Select(o => o.Node).Distinct().Count());
    }
}
