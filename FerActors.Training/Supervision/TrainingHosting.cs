using Akka;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Akka.Pattern;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Shared.Training;

namespace FerActors.Training.Supervision;

/// <summary>Registry key of the training supervisor: a proxy to wherever the singleton is.</summary>
public sealed class TrainingSupervisor
{
    private TrainingSupervisor()
    {
    }
}

/// <summary>Registry key of this node's <see cref="TrainingNodeActor"/>.</summary>
public sealed class TrainingNode
{
    private TrainingNode()
    {
    }
}

public static class TrainingHosting
{
    /// <summary>The supervisor's name under <c>/user</c>, by which the nodes find it.</summary>
    public const string SingletonName = "training-supervisor";

    /// <summary>
    /// Adds the training supervisor, a singleton of the cluster's nodes of role <c>training</c>, and the proxy to it. It starts again
    /// after a failure of the journal. Needs <c>WithFerSerialization</c> and <c>WithFerPersistence</c>.
    /// </summary>
    /// <param name="builder">The builder of the actor system, which is a member of the cluster.</param>
    /// <param name="options">The limits.</param>
    /// <param name="executor">Looks at runs before they are accepted.</param>
    /// <param name="registration">
    /// Gives what takes finished models, from the actors that were added before; without it they stay in their folders, unconfirmed.
    /// </param>
    public static AkkaConfigurationBuilder AddTrainingSupervisor(
        this AkkaConfigurationBuilder builder,
        TrainingServiceOptions options,
        ITrainingExecutor executor,
        Func<IActorRegistry, IModelRegistration>? registration = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(executor);
        return builder.WithSingleton<TrainingSupervisor>(
            SingletonName,
            (_, registry, _) => SupervisorProps(options, executor, registration?.Invoke(registry)),
            new ClusterSingletonOptions { Role = NodeRoles.Training },
            createProxyToo: true);
    }

    /// <summary>Adds the proxy alone, for nodes that only ask.</summary>
    public static AkkaConfigurationBuilder AddTrainingSupervisorProxy(this AkkaConfigurationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithSingletonProxy<TrainingSupervisor>(SingletonName, new ClusterSingletonOptions { Role = NodeRoles.Training });
    }

    /// <summary>Adds what carries out runs on this node. A node that shuts down stops its runs first, each with a checkpoint.</summary>
    public static AkkaConfigurationBuilder AddTrainingNode(
        this AkkaConfigurationBuilder builder, TrainingServiceOptions options, ITrainingExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(executor);
        return builder
            .AddHocon(
                $"akka.coordinated-shutdown.phases.{CoordinatedShutdown.PhaseServiceStop}.timeout = "
                + $"{(long)options.StopTimeout.TotalMilliseconds}ms",
                HoconAddMode.Prepend)
            .WithActors((system, registry) =>
            {
                var supervisor = registry.Get<TrainingSupervisor>();
                var node = system.ActorOf(Props.Create(() => new TrainingNodeActor(supervisor, executor, options)), "training-node");
                registry.Register<TrainingNode>(node);
                CoordinatedShutdown.Get(system).AddTask(
                    CoordinatedShutdown.PhaseServiceStop,
                    "stop-training-runs",
                    () => node.Ask<Done>(TrainingNodeActor.Drain.Instance, options.StopTimeout));
            });
    }

    internal static Props SupervisorProps(TrainingServiceOptions options, ITrainingExecutor executor, IModelRegistration? registration) =>
        BackoffSupervisor.Props(Backoff.OnStop(
            Props.Create(() => new TrainingSupervisorActor(options, executor.Validate, registration)),
            "supervisor",
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(10),
            0.2,
            -1)
            .WithDefaultStoppingStrategy()
            .WithReplyWhileStopped(new CommandResult(
                CommandCode.Unavailable, "The training supervisor's journal is away; nothing changed. Send it again later.")));
}
