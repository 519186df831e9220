using FerActors.Host.Operator;
using FerActors.Shared.Cluster;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;
using OpenCvSharp;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>What a machine may run out of, or have wrong, while images flow: memory, disk, the time of day, a reader of results.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ResourceFaultSpecs(BrokerNode broker, SharedCluster shared, ITestOutputHelper output) : IClassFixture<SharedCluster>
{
    // Prefetch of a node.
    private const int Held = 16;

    private const int Unread = 2000;

    private const long Mebibyte = 1 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [SkippableFact]
    public async Task A_node_that_needs_more_memory_than_it_may_have_is_killed_and_what_it_held_is_answered_by_others()
    {
        Require();
        var (group, absence) = MemoryGroup.TryCreate();
        Skip.If(group is null, absence);
        using var limited = group;
        var cluster = await shared.StartedAsync();
        var victim = cluster.Join(NodeRoles.Inference, group.Launcher);
        await victim.BecomesReadyAsync();
        await using var load = Load.Start(shared.Queues);
        await load.AnsweredByAsync([victim], from: 0);

        // Photos of 24 megapixels: decoded, each takes 72 MB.
        group.Allow(16 * Mebibyte);
        var photo = Photo(6000, 4000);
        await using var client = await PublisherClient.ConnectAsync(shared.Queues.Options.Uri);
        var photos = 0;
        while (!victim.Process.HasEnded)
        {
            await client.PublishAsync(shared.Queues.Options.ImagesQueue, photo, properties => properties.MessageId = $"photo-{photos}");
            photos++;
            await load.UntilAsync(() => victim.Process.HasEnded || Photos(load).Count == photos);
        }

        Assert.NotEqual(0, await victim.Process.ExitAsync());
        await cluster.RemoveAsync(victim);
        await load.UntilAsync(() => Photos(load).Count == photos);
        await load.MoreAsync(200);
        await cluster.HasMembersAsync(cluster.Nodes.Count);
        var tally = await load.FinishAsync();

        Chaos.Report(
            output,
            "memory limit of an inference node lowered to 16 MiB above what it holds (control group), then photos of 24 megapixels",
            "the kernel kills it; the others answer what it held and the photos, and go on",
            Tally.Expected(Held),
            FormattableString.Invariant($"{tally}; killed, {photos} photos answered"));
        tally.AssertWhole(Held);
        Assert.All(Photos(load), result => Assert.Null(result.Error));
    }

    [SkippableFact]
    public async Task The_time_of_day_of_a_node_jumps_forth_and_back()
    {
        Require();
        const string Library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
        Skip.IfNot(File.Exists(Library), "libfaketime is not installed.");
        var cluster = await shared.StartedAsync();
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "+0");
        string[] launcher =
        [
            "env", $"LD_PRELOAD={Library}", $"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ];
        var node = cluster.Join(NodeRoles.Inference, launcher);
        await node.BecomesReadyAsync();
        await using var load = Load.Start(shared.Queues);
        await load.AnsweredByAsync([node], from: 0);

        foreach (var offset in new[] { "+3600", "-86400", "+0" })
        {
            await File.WriteAllTextAsync(file, offset);
            var enough = load.Answered + 200;
            await load.UntilAsync(() => load.Answered >= enough || cluster.Nodes.Any(n => n.Process.HasEnded));
            foreach (var ended in cluster.Nodes.Where(n => n.Process.HasEnded))
            {
                Assert.Fail($"After {offset} s: {string.Join('+', ended.Roles)} has ended.\n{ended.Process.Output}{ended.Process.Errors}");
            }

            await load.AnsweredByAsync([node], load.Answered);
        }

        var members = (await cluster.Control.MembersAsync()).Members.Count;
        await load.MoreAsync(200);
        var tally = await load.FinishAsync();
        await cluster.RemoveAsync(node);
        File.Delete(file);

        Chaos.Report(
            output,
            "clock of an inference node an hour forth, then a day back, then right (libfaketime)",
            "it stays a member and goes on answering",
            Tally.Expected(0),
            FormattableString.Invariant($"{tally}; {members} members"));
        tally.AssertWhole(0);
        Assert.True(members > cluster.Nodes.Count, $"{members} members");
    }

    [SkippableFact]
    public async Task The_disk_of_the_registry_is_full_when_a_version_is_registered()
    {
        Require();
        var cluster = await shared.StartedAsync();
        await using var disk = await SmallDisk.TryMountAsync(cluster.Versions, spare: Mebibyte);
        Skip.If(disk is null, "A disk of a given size needs root and tmpfs.");
        await using var load = Load.Start(shared.Queues);
        await load.AnsweredByAsync(cluster.Inference, from: 0);

        var register = new ModelRequests.Register("third", Surroundings.ShippedModel);
        var full = await cluster.Control.AskAsync(register);
        output.WriteLine(full.ToString());
        var left = Directory.GetFileSystemEntries(cluster.Versions).Select(Path.GetFileName).Order().ToList();
        await disk.GrowAsync();
        await cluster.Control.DoAsync(register);
        await load.MoreAsync(200);
        var tally = await load.FinishAsync();

        Chaos.Report(
            output,
            "disk of the registry full when a version is registered; then space, and again",
            "refused with a sentence and without remains; images flow; the second time it is registered",
            Tally.Expected(0),
            tally.ToString());
        tally.AssertWhole(0);
        Assert.Equal(OperatorOutcome.Refused, full.Outcome);
        Assert.DoesNotContain(left, name => name!.Contains("third", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Nobody_reads_the_results()
    {
        Require();
        var cluster = await shared.StartedAsync();
        await using var load = Load.Start(shared.Queues, Unread, listening: false);
        await using var client = await PublisherClient.ConnectAsync(shared.Queues.Options.Uri);
        using var patience = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (await client.Channel.MessageCountAsync(shared.Queues.Options.ResultsQueue, patience.Token) < Unread)
        {
            await again.WaitForNextTickAsync(patience.Token);
        }

        await Task.WhenAll(cluster.Nodes.Select(node => node.BecomesReadyAsync()));
        load.Listen();
        await load.AnsweredByAsync(cluster.Inference, load.Answered);
        var tally = await load.FinishAsync();

        Chaos.Report(
            output,
            $"nobody reads results until {Unread:N0} of them wait",
            "nodes go on answering and stay ready; all results are there for who comes",
            Tally.Expected(0),
            tally.ToString());
        tally.AssertWhole(0);
    }

    private static List<ClassificationResult> Photos(Load load) =>
        [.. load.Others.FindAll(o => o.MessageId.StartsWith("photo-", StringComparison.Ordinal)).DistinctBy(o => o.MessageId)];

    private static byte[] Photo(int width, int height)
    {
        using var picture = new Mat(height, width, MatType.CV_8UC3, Scalar.All(120));
        return picture.ImEncode(".jpg");
    }

    private void Require()
    {
        Chaos.SkipUnlessFull();
        Skip.If(broker.Uri is null, broker.Absence);
    }
}
