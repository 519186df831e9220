using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Akka.Pattern;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Shared.Training;

namespace FerActors.Control.Training;

public static class TrainingSupervisorHosting
{
    /// <summary>The supervisor's name under <c>/user</c>, by which the nodes find it.</summary>
    public const string SingletonName = "training-supervisor";

    /// <summary>
    /// Adds the training supervisor, a singleton of the cluster's nodes of role <c>training</c>, and the proxy to it. It starts again
    /// after a failure of the journal. Needs <c>WithFerSerialization</c> and <c>WithFerPersistence</c>.
    /// </summary>
    /// <param name="builder">The builder of the actor system, which is a member of the cluster.</param>
    /// <param name="options">The limits.</param>
    /// <param name="validate">Looks at a run before it is accepted, without touching a disk; all mistakes at once, each a sentence.</param>
    /// <param name="registration">
    /// Gives what takes finished models, from the actors that were added before; without it they stay in their folders, unconfirmed.
    /// </param>
    public static AkkaConfigurationBuilder AddTrainingSupervisor(
        this AkkaConfigurationBuilder builder,
        TrainingServiceOptions options,
        Func<RunSpec, IReadOnlyList<string>> validate,
        Func<IActorRegistry, IModelRegistration>? registration = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(validate);
        return builder.WithSingleton<TrainingSupervisor>(
            SingletonName,
            (_, registry, _) => SupervisorProps(options, validate, registration?.Invoke(registry)),
            new ClusterSingletonOptions { Role = NodeRoles.Training },
            createProxyToo: true);
    }

    /// <summary>Adds the proxy alone, for nodes that only ask.</summary>
    public static AkkaConfigurationBuilder AddTrainingSupervisorProxy(this AkkaConfigurationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithSingletonProxy<TrainingSupervisor>(SingletonName, new ClusterSingletonOptions { Role = NodeRoles.Training });
    }

    internal static Props SupervisorProps(
        TrainingServiceOptions options, Func<RunSpec, IReadOnlyList<string>> validate, IModelRegistration? registration) =>
        BackoffSupervisor.Props(Backoff.OnStop(
            Props.Create(() => new TrainingSupervisorActor(options, validate, registration)),
            "supervisor",
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(10),
            0.2,
            -1)
            .WithDefaultStoppingStrategy()
            .WithReplyWhileStopped(new CommandResult(
                CommandCode.Unavailable, "The training supervisor's journal is away; nothing changed. Send it again later.")));
}
