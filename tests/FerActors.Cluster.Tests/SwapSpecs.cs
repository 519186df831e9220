using FerActors.Host.Operator;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>Versions that are promoted and rolled back by an operator while images flow through processes.</summary>
[Collection(BrokerCollection.Name)]
public sealed class SwapSpecs(BrokerNode broker, PostgresNode database, ITestOutputHelper output) : IClassFixture<PostgresNode>
{
    private static readonly string[] Versions = ["shipped", "warm", "small"];

    [SkippableFact]
    public async Task Weights_swapped_back_and_forth_under_load_drop_no_image_and_every_answer_names_a_promoted_version()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
        var (count, images) = (Chaos.IsFull ? 50 : 6, Chaos.Images(few: 600, many: 20_000));
        await using var queues = await NodeQueues.DeclareAsync(broker);
        using var folders = new ModelFolders();
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 3);
        foreach (var (version, folder) in Versions.Zip([Surroundings.ShippedModel, folders.Warm, folders.Small]))
        {
            await cluster.Control.DoAsync(new ModelRequests.Register(version, folder));
        }

        await cluster.Control.DoAsync(new ModelRequests.Promote(Versions[0]));
        await cluster.Control.FleetWhen(fleet => fleet.Converged && fleet.Nodes.Count == 3);
        await using var load = Load.Start(queues);
        await load.AnsweredByAsync(cluster.Inference, from: 0);
        var swaps = new List<Swap> { new(Versions[0], TimeSpan.Zero, load.Now) };

        for (var i = 0; i < count; i++)
        {
            var (answered, asked) = (load.Answered, load.Now);

            // By any node, in turn; every third time back to the version before.
            var node = cluster.Nodes[i % cluster.Nodes.Count];
            await node.DoAsync(i % 3 == 2 ? new ModelRequests.Rollback("A spec.") : new ModelRequests.Promote(Next(swaps), Force: true));
            var version = (await node.FleetWhen(_ => true)).Champion!;
            swaps.Add(new Swap(version, asked, await load.AnsweredByAsync(cluster.Inference, answered, version)));
            await load.UntilAsync(() => load.Answered >= (long)images * (i + 1) / count);
        }

        var tally = await load.FinishAsync();
        var end = await cluster.Control.FleetWhen(fleet => fleet.Converged);
        foreach (var node in cluster.Inference)
        {
            var models = ((StatisticsView)(await node.AskAsync(new StatisticsRequest())).View!).Models!;
            output.WriteLine(
                $"{node.Name}: {models.Swaps} swaps, longest gap between two batches {models.LongestSwapGapMs:0.0} ms at a swap, "
                + $"{models.LongestOtherGapMs:0.0} ms elsewhere; longest load {models.LongestLoadMs:0} ms");
        }

        var answers = load.Answers();
        var settled = swaps
            .Zip(swaps.Skip(1), (swap, next) => (
                swap.Version, Answers: answers.FindAll(o => o.PublishedAt > swap.Everywhere && o.At < next.Asked)))
            .ToList();
        Report(swaps, tally, answers, settled.Sum(s => s.Answers.Count));

        tally.AssertWhole(duplicates: 0);
        Assert.All(answers, o => Assert.Contains(swaps, swap => swap.Version == o.Version && swap.Asked <= o.At));
        Assert.All(settled, s => Assert.All(s.Answers, o => Assert.Equal(s.Version, o.Version)));
        Assert.Equal(swaps[^1].Version, end.Champion);
        Assert.Equal((3, null), (end.Nodes.Count, end.Alarm));
        var pictures = Versions.Select(version => answers.Find(o => o.Version == version)!.Probabilities[0]).ToList();
        Assert.Equal(Versions.Length, pictures.Select(p => Math.Round(p, 3)).Distinct().Count());
    }

    // Neither the one that serves nor the one that a rollback would bring.
    private static string Next(List<Swap> swaps) => Versions.First(version => swaps.TakeLast(2).All(swap => swap.Version != version));

    private void Report(List<Swap> swaps, Tally tally, List<Outcome> answers, int settled)
    {
        var took = swaps.Skip(1).Select(swap => (swap.Everywhere - swap.Asked).TotalMilliseconds).Order().ToList();
        var (during, elsewhere) = Gaps(answers, swaps);
        var versions = answers.GroupBy(o => o.Version).Select(version => $"{version.Key} {version.Count()}");
        output.WriteLine($"{took.Count} swaps; {tally.Answered} in {answers[^1].At.TotalSeconds:0} s: {string.Join(", ", versions)}");
        output.WriteLine($"from a promotion to the last node's first answer: median {took[took.Count / 2]:0} ms, longest {took[^1]:0} ms");
        output.WriteLine($"longest gap between two answers: {during:0} ms where a swap was under way, {elsewhere:0} ms elsewhere");
        foreach (var node in answers.GroupBy(o => o.Node))
        {
            (during, elsewhere) = Gaps([.. node], swaps);
            output.WriteLine($"{node.Key} answered {node.Count()}; longest gap {during:0} ms in swaps, {elsewhere:0} ms elsewhere");
        }

        Chaos.Report(
            output,
            $"{took.Count} promotions and rollbacks of 3 versions, 3 inference nodes",
            "no image dropped; each answer by a version promoted before it came, and only by the last one once all nodes have it",
            Tally.Expected(0),
            $"{tally}; {settled} images between swaps, all answered by the last version");
    }

    // Milliseconds.
    private static (double During, double Elsewhere) Gaps(List<Outcome> answers, List<Swap> swaps)
    {
        var gaps = answers.Zip(answers.Skip(1), (before, after) => (From: before.At, To: after.At)).ToLookup(
            gap => swaps.Skip(1).Any(swap => gap.To >= swap.Asked && gap.From <= swap.Everywhere),
            gap => (gap.To - gap.From).TotalMilliseconds);
        return (gaps[true].DefaultIfEmpty().Max(), gaps[false].DefaultIfEmpty().Max());
    }

    /// <param name="Version">What became the champion.</param>
    /// <param name="Asked">When the operator asked for it.</param>
    /// <param name="Everywhere">When the first answer with it of the last node arrived.</param>
    private sealed record Swap(string Version, TimeSpan Asked, TimeSpan Everywhere);
}
