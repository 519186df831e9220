using FerActors.Host.Operator;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>What fails around the nodes while images flow: the broker, the database, a version's files, the images themselves.</summary>
[Collection(BrokerCollection.Name)]
public sealed class SurroundingFaultSpecs(BrokerNode broker, SharedCluster shared, ITestOutputHelper output) : IClassFixture<SharedCluster>
{
    // What the nodes hold, and with the broker gone the answers and images of the load without an acknowledgement.
    private const int HeldByNodes = 3 * 16;
    private const int HeldByAll = HeldByNodes + 96;

    private const string NoImage = "no-image-";

    [SkippableFact]
    public Task The_broker_stops_and_starts() => SurvivesAsync(
        "orderly restart of the broker",
        "nodes connect again by themselves; every image is answered",
        HeldByAll,
        async (_, load) =>
        {
            await broker.StopAsync();
            await broker.StartAsync();
            await load.MoreAsync(20);
        });

    [SkippableFact]
    public Task The_broker_is_killed() => SurvivesAsync(
        "kill -9 of the broker, then its start",
        "what it had confirmed is answered after its start",
        HeldByAll,
        async (_, load) =>
        {
            await broker.SyncQueueNamesAsync();
            await broker.KillAsync();
            await broker.StartAsync();
            await load.MoreAsync(20);
        });

    [SkippableFact]
    public Task All_connections_are_closed_by_the_broker() => SurvivesAsync(
        "all connections closed by the broker (close_all_connections)",
        "nodes connect again by themselves; every image is answered",
        HeldByAll,
        async (_, load) =>
        {
            await broker.ControlAsync("close_all_connections", "a test");
            await load.MoreAsync(20);
        });

    [SkippableFact]
    public Task The_broker_has_a_memory_alarm() => SurvivesAsync(
        "memory alarm of the broker, until all nodes are blocked",
        "nodes keep their results until the broker takes them",
        HeldByAll,
        async (cluster, _) =>
        {
            await broker.ControlAsync("set_vm_memory_high_watermark", "0.0001");
            await BlockedAsync(cluster);
            await broker.ControlAsync("set_vm_memory_high_watermark", "0.4");
        });

    [SkippableFact]
    public Task The_broker_has_a_disk_alarm() => SurvivesAsync(
        "disk alarm of the broker, until all nodes are blocked",
        "nodes keep their results until the broker takes them",
        HeldByAll,
        async (cluster, _) =>
        {
            await broker.ControlAsync("set_disk_free_limit", "mem_relative", "1000.0");
            await BlockedAsync(cluster);
            await broker.ControlAsync("set_disk_free_limit", "50MB");
        });

    [SkippableFact]
    public Task The_database_is_killed_and_comes_back() => SurvivesAsync(
        "kill -9 of the journal's database, 300 images, its start, a promotion",
        "images flow without it; a promotion works when it is back",
        duplicates: 0,
        async (cluster, load) =>
        {
            var version = await OtherAsync(cluster);
            await shared.Database.KillAsync();
            await load.MoreAsync(300);
            await shared.Database.StartAsync();
            var answered = load.Answered;
            await cluster.Control.ReplyWhen(
                new ModelRequests.Promote(version, Force: true), reply => reply.Outcome == OperatorOutcome.Done);
            await load.AnsweredByAsync(cluster.Inference, answered, version);
        });

    [SkippableFact]
    public Task The_weights_of_a_version_are_damaged_before_it_is_promoted() => SurvivesAsync(
        "one byte of a version's weights changed on the disk, then its promotion",
        "refused with a sentence; the serving version goes on",
        duplicates: 0,
        async (cluster, load) =>
        {
            var version = await OtherAsync(cluster);
            var path = Path.Combine(cluster.Versions, version, "model.safetensors");
            FlipLastByte(path);
            var answered = load.Answered;
            var reply = await cluster.Control.AskAsync(new ModelRequests.Promote(version, Force: true));
            FlipLastByte(path);
            await load.MoreAsync(100);
            output.WriteLine(reply.Message);
            Assert.Equal(OperatorOutcome.Refused, reply.Outcome);
            Assert.DoesNotContain(load.Answers(answered), o => o.Version == version);
        });

    [SkippableFact]
    public Task Messages_that_are_no_images_come_among_the_others() => SurvivesAsync(
        "60 messages among the others that are empty, no image or a damaged one",
        "each is answered with its error code; the others as ever",
        duplicates: 0,
        async (_, load) =>
        {
            var queue = shared.Queues.Options.ImagesQueue;
            byte[][] bodies = [[], [1, 2, 3], Surroundings.Picture(".png")[..200]];
            await using var client = await PublisherClient.ConnectAsync(shared.Queues.Options.Uri);
            for (var i = 0; i < 60; i++)
            {
                await client.PublishAsync(queue, bodies[i % 3], properties => properties.MessageId = $"{NoImage}{i}");
            }

            await load.UntilAsync(() => Errors(load).Count == 60);
            var codes = Errors(load).GroupBy(result => result.Error?.Code).Select(code => (code.Key, code.Count())).Order();
            Assert.Equal([(ErrorCodes.CorruptImage, 20), (ErrorCodes.EmptyBody, 20), (ErrorCodes.UnsupportedFormat, 20)], codes);
        });

    private static List<ClassificationResult> Errors(Load load) =>
        [.. load.Others.FindAll(o => o.MessageId.StartsWith(NoImage, StringComparison.Ordinal)).DistinctBy(o => o.MessageId)];

    private static async Task BlockedAsync(ProcessCluster cluster)
    {
        foreach (var node in cluster.Inference)
        {
            await node.ReplyWhen(new StatisticsRequest(), reply => reply.View is StatisticsView { Transport.PublisherBlocked: true });
        }
    }

    private static async Task<string> OtherAsync(ProcessCluster cluster) =>
        (await cluster.Control.FleetWhen(_ => true)).Champion == SharedCluster.First ? SharedCluster.Second : SharedCluster.First;

    private static void FlipLastByte(string path)
    {
        using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = file.Length - 1;
        var last = file.ReadByte();
        file.Position = file.Length - 1;
        file.WriteByte((byte)(last ^ 1));
    }

    private async Task SurvivesAsync(string fault, string invariant, int duplicates, Func<ProcessCluster, Load, Task> harm)
    {
        Chaos.SkipUnlessFull();
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(!broker.IsPrivate, "This spec stops or commands the broker, and FER_TEST_RABBITMQ names one that is not ours.");
        var cluster = await shared.StartedAsync();
        await using var load = Load.Start(shared.Queues);
        await load.AnsweredByAsync(cluster.Inference, from: 0);
        var at = load.Answered;
        await harm(cluster, load);

        // Every node is at work again.
        await load.AnsweredByAsync(cluster.Inference, load.Answered);
        await load.MoreAsync(200);
        var tally = await load.FinishAsync();

        output.WriteLine($"{at} answered before; longest gap {Load.LongestGap(load.Answers()).TotalMilliseconds:0} ms");
        Chaos.Report(output, fault, invariant, Tally.Expected(duplicates), tally.ToString());
        tally.AssertWhole(duplicates);
        await Task.WhenAll(cluster.Nodes.Select(node => node.BecomesReadyAsync()));
    }
}
