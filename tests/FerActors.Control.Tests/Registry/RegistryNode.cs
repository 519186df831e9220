using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.DistributedData;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Akka.Remote.Hosting;
using FerActors.Control.Registry;
using FerActors.Control.Wire;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Training.Registration;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FerActors.Control.Tests.Registry;

/// <summary>A cluster of one node with the real registry, journal and replicator. Its files outlive it.</summary>
internal sealed class RegistryNode : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly LWWRegisterKey<DesiredModels> DesiredKey = new(ReplicatedKeys.DesiredModels);
    private static readonly LWWDictionaryKey<string, NodeModelStatus> NodesKey = new(ReplicatedKeys.NodeModels);

    private readonly IHost _host;

    private RegistryNode(IHost host)
    {
        _host = host;
        System = host.Services.GetRequiredService<ActorSystem>();
        Cluster = Cluster.Get(System);
        Replicator = DistributedData.Get(System).Replicator;
        Registry = host.Services.GetRequiredService<IRequiredActor<ModelRegistry>>().ActorRef;
    }

    public ActorSystem System { get; }

    public Cluster Cluster { get; }

    public IActorRef Replicator { get; }

    public IActorRef Registry { get; }

    public string Address => Cluster.SelfAddress.ToString();

    public static async Task<RegistryNode> StartAsync(string folder)
    {
        var options = new RegistryOptions { Root = Path.Combine(folder, "versions") };

        // The time of a pass is the machine's mood; gates have specs of their own.
        var store = new ModelStore(options, new VitModelInspector { Measure = _ => null });
        var sql = $"connection-string = \"Data Source={Path.Combine(folder, "journal.db")}\"\nprovider-name = \"SQLite.MS\"\nauto-initialize = on";
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddAkka("registry-specs", akka => akka
            .AddHocon(
                $$"""
                akka.persistence.journal { plugin = "akka.persistence.journal.sql", sql { {{sql}} } }
                akka.persistence.snapshot-store { plugin = "akka.persistence.snapshot-store.sql", sql { {{sql}} } }
                akka.cluster.gossip-interval = 100ms
                akka.cluster.leader-actions-interval = 100ms
                akka.cluster.distributed-data { gossip-interval = 200ms, notify-subscribers-interval = 50ms }
                """,
                HoconAddMode.Prepend)
            .AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append)
            .WithFerSerialization()
            .WithRemoting("127.0.0.1", 0)
            .WithClustering(new Akka.Cluster.Hosting.ClusterOptions { Roles = [NodeRoles.Control, NodeRoles.Inference] })
            .AddModelRegistry(options, store, TimeProvider.System));
        var host = builder.Build();
        await host.StartAsync();
        var node = new RegistryNode(host);
        await node.Cluster.JoinAsync(node.Cluster.SelfAddress, new CancellationTokenSource(Patience).Token);
        return node;
    }

    public Task<T> Ask<T>(object message) => Registry.Ask<T>(message, Patience);

    public async Task<RegistryReply> Do(object command) => await Ask<RegistryReply>(command);

    /// <summary>The status once it is as expected.</summary>
    public Task<RegistryStatus> StatusWhen(Func<RegistryStatus, bool> expected) => AnswerWhen(RegistryQueries.GetStatus.Instance, expected);

    /// <summary>The answer to a question once it is as expected.</summary>
    public async Task<T> AnswerWhen<T>(object question, Func<T, bool> expected)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var answer = await Ask<T>(question);
            if (expected(answer))
            {
                return answer;
            }

            Assert.False(patience.IsCancellationRequested, $"The registry's answer stays {answer}.");
            await Task.Delay(50);
        }
    }

    /// <summary>What a node would read of what it should serve.</summary>
    public async Task<LWWRegister<DesiredModels>> Desired() =>
        (await Replicator.Ask<IGetResponse>(Dsl.Get(DesiredKey, ReadLocal.Instance), Patience)).Get(DesiredKey);

    /// <summary>Says what this node serves, as its swapper would.</summary>
    public async Task Say(long sequence, string version, ModelPhase phase, string? reason = null)
    {
        var slot = new ModelSlotStatus(ModelSlot.Champion, version, "", phase, reason, DateTimeOffset.UtcNow);
        var status = new NodeModelStatus(Address, "node-1", sequence, [slot]);
        var response = await Replicator.Ask<IUpdateResponse>(
            Dsl.Update(
                NodesKey,
                LWWDictionary<string, NodeModelStatus>.Empty,
                WriteLocal.Instance,
                map => map.SetItem(Cluster, Address, status)),
            Patience);
        Assert.True(response.IsSuccessful);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        SqliteConnection.ClearAllPools();
    }
}
