using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;
using Akka.Event;
using Akka.Hosting;
using FerActors.Shared.Cluster;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>Key of the subscriber in the actor registry.</summary>
public sealed class DesiredModelsSubscriber;

/// <summary>
/// Between the cluster and this node's model host: hands it what the cluster desires, and tells the cluster what it serves.
/// </summary>
/// <remarks>
/// The replicated register is the truth: whoever joins late, or was cut off, gets it with the gossip. At start it is also read from
/// a majority, since a node that has not heard of a promotion yet must not take that for there being none. A majority is one of the
/// nodes that the replicator knows, and one that was started after the node had joined knows none for a moment: it would ask itself
/// alone. So the reading waits until it knows as many as the cluster has.
/// </remarks>
public sealed class DesiredModelsSubscriberActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CountDelay = TimeSpan.FromMilliseconds(50);
    private static readonly LWWRegisterKey<DesiredModels> DesiredKey = new(ReplicatedKeys.DesiredModels);
    private static readonly LWWDictionaryKey<string, NodeModelStatus> NodesKey = new(ReplicatedKeys.NodeModels);

    private readonly string _node;
    private readonly IActorRef _host;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;
    private readonly string _address;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private DesiredModels? _desired;
    private NodeModelStatus? _status;

    /// <param name="node">This node's name in results.</param>
    /// <param name="host">The model host.</param>
    public DesiredModelsSubscriberActor(string node, IActorRef host)
    {
        _node = node;
        _host = host;
        _address = _cluster.SelfAddress.ToString();
        Receive<ClusterEvent.MemberUp>(up => up.Member.Address == _cluster.SelfAddress, _ => CountReplicas());
        Receive<ClusterEvent.MemberRemoved>(Forget);
        Receive<ClusterEvent.IClusterDomainEvent>(_ => { });
        Receive<ReadAgain>(_ => CountReplicas());
        Receive<ReplicaCount>(OnReplicas);
        Receive<GetSuccess>(answer => Hand(answer.Get(DesiredKey).Value));
        Receive<NotFound>(_ => Hand(DesiredModels.None));
        Receive<GetFailure>(_ => RetryReading());
        Receive<Changed>(changed => changed.Key.Equals(DesiredKey), changed => Hand(changed.Get(DesiredKey).Value));
        Receive<Changed>(changed => Check(changed.Get(NodesKey)));
        Receive<ModelHostStatus>(Publish);
        Receive<ModelHostStarted>(_ => Begin());
        Receive<IUpdateResponse>(response =>
        {
            if (response is IUpdateFailure failure)
            {
                _log.Warning("This node's model status could not be written to the cluster: {Failure}", failure.GetType().Name);
            }
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(ModelHostStarted));
        _replicator.Tell(Dsl.Subscribe(DesiredKey, Self));
        _replicator.Tell(Dsl.Subscribe(NodesKey, Self));
        _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.MemberUp),
            typeof(ClusterEvent.MemberRemoved));
        Begin();
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    // Also after the host has restarted: it knows of no subscriber and of nothing desired then.
    private void Begin()
    {
        _host.Tell(SubscribeModelStatus.Instance);
        if (_desired is { } desired)
        {
            _host.Tell(new SetDesiredModels(desired));
        }
    }

    private void CountReplicas() => _replicator.Tell(Dsl.GetReplicaCount);

    private void OnReplicas(ReplicaCount replicas)
    {
        var up = _cluster.State.Members.Where(member => member.Status == MemberStatus.Up).ToList();
        if (replicas.N >= up.Count && up.Exists(member => member.UniqueAddress == _cluster.SelfUniqueAddress))
        {
            _replicator.Tell(Dsl.Get(DesiredKey, new ReadMajority(ReadTimeout)));
        }
        else
        {
            Timers.StartSingleTimer(nameof(ReadAgain), ReadAgain.Instance, CountDelay);
        }
    }

    private void RetryReading()
    {
        // The gossip may have brought it meanwhile.
        if (_desired is null)
        {
            _log.Warning("A majority of the nodes did not say what to serve; asking again");
            Timers.StartSingleTimer(nameof(ReadAgain), ReadAgain.Instance, RetryDelay);
        }
    }

    private void Hand(DesiredModels desired)
    {
        if (_desired is null || desired.Sequence > _desired.Sequence)
        {
            _desired = desired;
            _log.Info("Desired models: number {Sequence}, champion {ModelVersion}", desired.Sequence, desired.Champion?.Version.Value ?? "none promoted: Model:Path serves");
            _host.Tell(new SetDesiredModels(desired));
        }
    }

    private void Publish(ModelHostStatus status)
    {
        var own = new NodeModelStatus(_address, _node, status.DesiredSequence, status.Slots);
        if (own != _status)
        {
            _status = own;
            Write();
        }
    }

    // Another node may have removed this one's entry, which an earlier process at the same address had left behind.
    private void Check(LWWDictionary<string, NodeModelStatus> nodes)
    {
        if (_status is not null && !nodes.ContainsKey(_address))
        {
            Write();
        }
    }

    private void Write()
    {
        var status = _status!;
        var cluster = _cluster;
        _replicator.Tell(Dsl.Update(
            NodesKey,
            LWWDictionary<string, NodeModelStatus>.Empty,
            WriteLocal.Instance,
            nodes => nodes.SetItem(cluster, status.Address, status)));
    }

    // Whoever left serves nothing any more.
    private void Forget(ClusterEvent.MemberRemoved removed)
    {
        var address = removed.Member.Address.ToString();
        if (address == _address)
        {
            return;
        }

        var cluster = _cluster;
        _replicator.Tell(Dsl.Update(
            NodesKey, LWWDictionary<string, NodeModelStatus>.Empty, WriteLocal.Instance, nodes => nodes.Remove(cluster, address)));
    }

    private sealed record ReadAgain : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        private ReadAgain()
        {
        }

        public static ReadAgain Instance { get; } = new();
    }
}

public static class DesiredModelsSubscriberHosting
{
    /// <summary>Adds the subscriber; needs the model host and a cluster with distributed data.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="node">This node's name in results.</param>
    public static AkkaConfigurationBuilder AddDesiredModelsSubscriber(this AkkaConfigurationBuilder builder, string node) =>
        builder.WithActors((system, registry) => registry.Register<DesiredModelsSubscriber>(system.ActorOf(
            Props.Create(() => new DesiredModelsSubscriberActor(node, registry.Get<ModelHost>())), "desired-models-subscriber")));
}
