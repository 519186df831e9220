using System.Collections.Concurrent;
using Akka.Actor;
using Akka.DistributedData;
using Akka.Event;
using Akka.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FerActors.Host.Health;

/// <summary>
/// The actors directly under <c>/user</c> and the replicator. Nothing starts one of them again, so that a node which has lost one lives
/// no more, whatever the others still do.
/// </summary>
internal sealed class VitalActors
{
    private readonly ConcurrentDictionary<string, bool> _dead = new(StringComparer.Ordinal);

    /// <summary>Watches all that the parts of the node have started; must be added after them.</summary>
    public static AkkaConfigurationBuilder Watch(AkkaConfigurationBuilder akka)
    {
        var actors = new VitalActors();
        return akka
            .AddStartup((system, _) =>
            {
                var vital = ((ActorRefWithCell)((ExtendedActorSystem)system).Guardian).Children.Append(DistributedData.Get(system).Replicator).ToList();
                ((ExtendedActorSystem)system).SystemActorOf(Props.Create(() => new Watcher(actors, vital)), "fer-vital-actors");
            })
            .WithHealthCheck("actors", (_, _, _) => Task.FromResult(actors.Check()), HealthStatus.Unhealthy, [HealthTags.Live]);
    }

    private HealthCheckResult Check() => _dead.IsEmpty
        ? HealthCheckResult.Healthy("all top-level actors run")
        : HealthCheckResult.Unhealthy($"ended and cannot be started again: {string.Join(", ", _dead.Keys.Order(StringComparer.Ordinal))}");

    private sealed class Watcher : ReceiveActor
    {
        private readonly ILoggingAdapter _log = Context.GetLogger();
        private readonly IReadOnlyList<IActorRef> _vital;

        public Watcher(VitalActors actors, IReadOnlyList<IActorRef> vital)
        {
            _vital = vital;
            Receive<Terminated>(ended =>
            {
                // Whoever stops the node ends them all.
                if (CoordinatedShutdown.Get(Context.System).ShutdownReason is not null || Context.System.WhenTerminated.IsCompleted)
                {
                    return;
                }

                var path = ended.ActorRef.Path.ToStringWithoutAddress();
                actors._dead[path] = true;
                _log.Error("The actor {Actor} has ended and nothing starts it again: the node must be restarted", path);
            });
        }

        protected override void PreStart()
        {
            foreach (var actor in _vital)
            {
                Context.Watch(actor);
            }
        }
    }
}
