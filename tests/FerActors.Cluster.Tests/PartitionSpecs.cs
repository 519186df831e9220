using System.Globalization;
using FerActors.Host.Commands.Node;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Cluster;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>An inference node that is cut off from all others, the broker among them, while it holds images.</summary>
[Collection(BrokerCollection.Name)]
public sealed class PartitionSpecs(BrokerNode broker, PostgresNode database, ITestOutputHelper output) : IClassFixture<PostgresNode>
{
    // Prefetch of the node that is cut off.
    private const int Held = 16;

    [SkippableFact]
    public async Task A_node_that_stalls_is_removed_and_ends_when_it_wakes_up()
    {
        Require();
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 3);
        await using var load = Load.Start(queues);
        var stalled = cluster.Inference[0];
        await load.AnsweredByAsync([stalled], from: 0);

        stalled.Process.Signal("STOP");
        var (atStall, stalledAt) = (load.Answered, load.Now);
        await cluster.HasMembersAsync(4);
        var removedAfter = load.Now - stalledAt;
        var meanwhile = load.Answered - atStall;
        await load.MoreAsync(50);
        stalled.Process.Signal("CONT");
        var code = await stalled.Process.ExitAsync();
        var tally = await load.FinishAsync();

        // What it held at the stall is answered by others and then by it. It may also take images between its waking up and its end, and
        // answer some of these without acknowledging them: twice what it may hold is the most.
        Report(
            "SIGSTOP of an inference node that holds images; SIGCONT after it was removed", tally, 2 * Held, removedAfter, meanwhile, code);
        tally.AssertWhole(2 * Held);
        Assert.NotEqual(0, meanwhile);
        Assert.Equal(HostCommand.Downed, code);
    }

    [SkippableFact]
    public async Task A_node_whose_network_is_cut_downs_itself_and_what_it_held_is_answered_by_others()
    {
        Require();
        var (network, absence) = await SeparateNetwork.TryCreateAsync();
        Skip.If(network is null, absence);
        await using var separate = network;
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var cluster = await ProcessCluster.StartAsync(
            queues, await database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 2, host: network.Outside);
        var address = new UriBuilder(queues.Options.Uri);
        address.Port = network.OpenDoor(address.Port);
        address.Host = network.Outside;
        var remote = cluster.Join(
            NodeRoles.Inference,
            network.Launcher,
            $"Cluster:HostName={network.Inside}",
            $"Health:Address={network.Inside}",
            $"RabbitMq:Uri={address.Uri}");
        await remote.BecomesReadyAsync();
        await using var load = Load.Start(queues);
        await load.AnsweredByAsync([remote], from: 0);

        await network.CutAsync();
        var (atCut, cutAt) = (load.Answered, load.Now);
        await cluster.HasMembersAsync(4);
        var removedAfter = load.Now - cutAt;
        var meanwhile = load.Answered - atCut;
        var code = await remote.Process.ExitAsync();
        var tally = await load.FinishAsync();

        Report(
            "network of an inference node that holds images cut (namespace behind a bridge)", tally, Held, removedAfter, meanwhile, code);
        tally.AssertWhole(Held);
        Assert.NotEqual(0, meanwhile);
        Assert.Equal(HostCommand.Downed, code);
    }

    private void Require()
    {
        Chaos.SkipUnlessFull();
        Skip.If(broker.Uri is null, broker.Absence);
        Skip.If(database.Absence.Length > 0, database.Absence);
    }

    private void Report(string fault, Tally tally, int duplicates, TimeSpan removedAfter, int meanwhile, int code) => Chaos.Report(
        output,
        fault,
        "the others answer throughout and also what it held, equally; it ends with exit code 3",
        $"{Tally.Expected(duplicates)}; exit code 3",
        string.Create(
            CultureInfo.InvariantCulture,
            $"{tally}; removed after {removedAfter.TotalSeconds:0.0} s, {meanwhile} answered meanwhile; exit code {code}"));
}
