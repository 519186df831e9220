using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Configuration;
using Akka.DistributedData;
using Akka.Hosting;
using Akka.Remote.Hosting;
using Akka.TestKit.Xunit2;
using FerActors.Control.Wire;
using FerActors.Inference.Serving;
using FerActors.Shared.Cluster;
using FerActors.Shared.Registry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FerActors.Inference.Tests.Serving;

/// <summary>Clusters of nodes in this process, each with a model host that loads fake models.</summary>
public sealed class DesiredModelsSubscriberSpecs : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    private readonly List<Node> _nodes = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var node in Enumerable.Reverse(_nodes))
        {
            await node.StopAsync();
        }
    }

    [Fact]
    public async Task A_node_alone_learns_that_nothing_is_desired_then_serves_what_is_and_tells_so()
    {
        var node = await StartAsync();
        await node.Host.Ask<ModelMayServe>(AwaitMayServe.Instance, Patience);
        node.AwaitStatus(Address(node), s => s is { DesiredSequence: 0, Slots: [{ Version: "1.2.3", Phase: ModelPhase.Serving }] });

        node.Promote(ScriptedLoader.Champion(1, "v1"));

        node.AwaitStatus(Address(node), s => s is { DesiredSequence: 1, Slots: [{ Version: "v1", Phase: ModelPhase.Serving }] });
    }

    [Fact]
    public async Task A_late_joiner_takes_no_images_before_it_serves_what_was_promoted_before_it_came()
    {
        var first = await StartAsync();
        first.Promote(ScriptedLoader.Champion(7, "v1"));
        first.AwaitStatus(Address(first), s => s.DesiredSequence == 7);
        var second = await StartAsync(first, gateClosed: true);
        var mayServe = second.Host.Ask<ModelMayServe>(AwaitMayServe.Instance, Patience);
        first.AwaitStatus(Address(second), s => s is { DesiredSequence: 7, Slots: [{ Version: "1.2.3" }, { Version: "v1", Phase: ModelPhase.Loading }] });
        Assert.False(mayServe.IsCompleted);

        second.Loader.Gate.Set();

        await mayServe;
        first.AwaitStatus(Address(second), s => s.Slots is [{ Version: "v1", Phase: ModelPhase.Serving }]);
        second.AwaitStatus(Address(first), s => s.Slots is [{ Version: "v1", Phase: ModelPhase.Serving }]);

        // The register's clock is the registry's sequence: an older event that is written later does not win.
        second.Promote(ScriptedLoader.Champion(9, "v2"));
        first.AwaitStatus(Address(first), s => s is { DesiredSequence: 9, Slots: [{ Version: "v2", Phase: ModelPhase.Serving }] });
        first.Promote(ScriptedLoader.Champion(8, "v1"));
        first.AwaitStatus(Address(second), s => s is { DesiredSequence: 9, Slots: [{ Version: "v2", Phase: ModelPhase.Serving }] });

        // Who leaves takes its entry along.
        _nodes.Remove(second);
        await second.StopAsync();
        first.AwaitNodes(nodes => nodes.Keys.SequenceEqual([Address(first)]));
    }

    // With a model that takes long to load, the node is a member for seconds before anybody asks the replicator, which starts then.
    [Fact]
    public async Task So_does_one_whose_model_was_loaded_only_after_it_had_joined()
    {
        var first = await StartAsync();
        first.Promote(ScriptedLoader.Champion(7, "v1"));
        first.AwaitStatus(Address(first), s => s.DesiredSequence == 7);
        var second = await StartAsync(first, gateClosed: true, subscribes: false);

        second.Subscribe();

        var mayServe = second.Host.Ask<ModelMayServe>(AwaitMayServe.Instance, Patience);
        first.AwaitStatus(Address(second), s => s is { DesiredSequence: 7, Slots: [{ Version: "1.2.3" }, { Version: "v1", Phase: ModelPhase.Loading }] });
        Assert.False(mayServe.IsCompleted);
        second.Loader.Gate.Set();
        await mayServe;
    }

    private static string Address(Node node) => Cluster.Get(node.System).SelfAddress.ToString();

    private async Task<Node> StartAsync(Node? seed = null, bool gateClosed = false, bool subscribes = true)
    {
        var node = await Node.StartAsync(gateClosed, subscribes);
        _nodes.Add(node);
        var cluster = Cluster.Get(node.System);
        using var deadline = new CancellationTokenSource(Patience);
        await cluster.JoinAsync(seed is null ? cluster.SelfAddress : Cluster.Get(seed.System).SelfAddress, deadline.Token);
        return node;
    }

    private sealed class Node(IHost host, ScriptedLoader loader)
    {
        private static readonly Config Quick = """
            akka.cluster.distributed-data.gossip-interval = 200ms
            akka.cluster.distributed-data.notify-subscribers-interval = 50ms
            akka.cluster.gossip-interval = 200ms
            akka.cluster.leader-actions-interval = 200ms
            """;

        private readonly TestKit _kit = new(host.Services.GetRequiredService<ActorSystem>());

        public ActorSystem System => _kit.Sys;

        public ScriptedLoader Loader => loader;

        public IActorRef Host { get; } = host.Services.GetRequiredService<ActorRegistry>().Get<ModelHost>();

        public static async Task<Node> StartAsync(bool gateClosed, bool subscribes)
        {
            var loader = new ScriptedLoader();
            loader.Has("v1");
            loader.Has("v2");
            if (gateClosed)
            {
                loader.Gate.Reset();
            }

            var host = new HostBuilder()
                .ConfigureLogging(logging => logging.ClearProviders())
                .ConfigureServices(services => services.AddAkka("FerActors", (akka, _) =>
                {
                    akka
                        .ConfigureLoggers(loggers => loggers.ClearLoggers())
                        .AddHocon(Quick, HoconAddMode.Prepend)
                        .WithRemoting("127.0.0.1", 0)
                        .WithClustering(new Akka.Cluster.Hosting.ClusterOptions { Roles = [NodeRoles.Inference] })
                        .AddHocon(DistributedData.DefaultConfig(), HoconAddMode.Append)
                        .WithFerSerialization()
                        .AddModelHost(["cpu"], _ => [new FakeExpressionModel()], loader);
                    if (subscribes)
                    {
                        akka.AddDesiredModelsSubscriber("node");
                    }
                }))
                .Build();
            await host.StartAsync();
            return new Node(host, loader);
        }

        /// <summary>Starts the subscriber that was left out.</summary>
        public void Subscribe()
        {
            var models = Host;
            System.ActorOf(Props.Create(() => new DesiredModelsSubscriberActor("node", models)));
        }

        // As the registry writes it.
        public void Promote(DesiredModels desired)
        {
            var cluster = Cluster.Get(System);
            Clock<DesiredModels> bySequence = (_, value) => value.Sequence;
            var key = new LWWRegisterKey<DesiredModels>(ReplicatedKeys.DesiredModels);
            DistributedData.Get(System).Replicator.Tell(
                Dsl.Update(
                    key,
                    new LWWRegister<DesiredModels>(cluster.SelfUniqueAddress, DesiredModels.None, bySequence),
                    WriteLocal.Instance,
                    register => desired.Sequence > register.Value.Sequence
                        ? register.WithValue(cluster.SelfUniqueAddress, desired, bySequence)
                        : register.Merge(new LWWRegister<DesiredModels>(cluster.SelfUniqueAddress, desired, bySequence))),
                _kit.TestActor);
            _kit.ExpectMsg<UpdateSuccess>(Patience);
        }

        public void AwaitStatus(string address, Predicate<NodeModelStatus> condition) =>
            AwaitNodes(nodes => nodes.TryGetValue(address, out var status) && condition(status));

        public void AwaitNodes(Predicate<IReadOnlyDictionary<string, NodeModelStatus>> condition) => _kit.AwaitAssert(
            () =>
            {
                var key = new LWWDictionaryKey<string, NodeModelStatus>(ReplicatedKeys.NodeModels);
                DistributedData.Get(System).Replicator.Tell(Dsl.Get(key, ReadLocal.Instance), _kit.TestActor);
                var entries = _kit.ExpectMsg<GetSuccess>(Patience).Get(key).Entries;
                Assert.True(condition(entries.ToDictionary()), string.Join("; ", entries.Values.SelectMany(n => n.Slots)));
            },
            Patience,
            TimeSpan.FromMilliseconds(100));

        public async Task StopAsync()
        {
            loader.Gate.Set();
            await host.StopAsync();
            host.Dispose();
        }
    }
}
