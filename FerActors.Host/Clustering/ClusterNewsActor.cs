using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Hosting;

namespace FerActors.Host.Clustering;

/// <summary>Says what happens to the members, one sentence each. What Akka itself says of it is for <c>Logging:Level=Debug</c>.</summary>
internal sealed class ClusterNewsActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Cluster _cluster = Cluster.Get(Context.System);

    /// <param name="patience">How long an unreachable member is waited for.</param>
    public ClusterNewsActor(TimeSpan patience)
    {
        var seconds = (int)patience.TotalSeconds;
        Receive<ClusterEvent.MemberUp>(news =>
        {
            if (IsSelf(news.Member))
            {
                _log.Info("This node has joined the cluster as {Address}", news.Member.Address);
            }
            else
            {
                _log.Info("Node {Address} has joined with the roles {Roles}", news.Member.Address, string.Join(", ", news.Member.Roles.Order(StringComparer.Ordinal)));
            }
        });
        Receive<ClusterEvent.UnreachableMember>(news => _log.Warning(
            "Node {Address} does not answer; it is removed where that lasts {Seconds} s", news.Member.Address, seconds));
        Receive<ClusterEvent.ReachableMember>(news => _log.Info("Node {Address} answers again", news.Member.Address));
        Receive<ClusterEvent.MemberRemoved>(news =>
        {
            if (IsSelf(news.Member))
            {
                return;
            }

            if (news.PreviousStatus == MemberStatus.Down)
            {
                _log.Warning("Node {Address} was removed from the cluster: it was lost", news.Member.Address);
            }
            else
            {
                _log.Info("Node {Address} has left the cluster", news.Member.Address);
            }
        });
        Receive<ClusterEvent.MemberDowned>(news =>
        {
            if (IsSelf(news.Member))
            {
                _log.Warning("The other nodes have removed this one, which ends: it was out of reach, or an operator wanted it");
            }
        });
    }

    /// <summary>Adds it to a node that is not alone.</summary>
    public static AkkaConfigurationBuilder AddTo(AkkaConfigurationBuilder akka, TimeSpan patience) => akka.WithActors((system, _) =>
        ((ExtendedActorSystem)system).SystemActorOf(Props.Create(() => new ClusterNewsActor(patience)), "fer-cluster-news"));

    protected override void PreStart() => _cluster.Subscribe(
        Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private bool IsSelf(Member member) => member.UniqueAddress.Equals(_cluster.SelfUniqueAddress);
}
