using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Akka.Pattern;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;

namespace FerActors.Control.Registry;

public static class ModelRegistryHosting
{
    /// <summary>The registry's name under <c>/user</c>, by which the nodes find it.</summary>
    public const string SingletonName = ModelRegistryActor.Id;

    private static readonly TimeSpan MinBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Hosts the registry on this node, which must have the role <see cref="NodeRoles.Control"/>, while it is the oldest of that role;
    /// <see cref="ModelRegistry"/> is its proxy. Needs a journal, a snapshot store and the wire protocol's serializer.
    /// </summary>
    /// <param name="builder">The builder of the actor system, which is a member of the cluster.</param>
    /// <param name="options">Where the versions are, and the gates.</param>
    /// <param name="inspector">Proves that a folder can serve.</param>
    public static AkkaConfigurationBuilder AddModelRegistry(
        this AkkaConfigurationBuilder builder, RegistryOptions options, IModelInspector inspector) =>
        AddModelRegistry(builder, options, new ModelStore(options, inspector), TimeProvider.System);

    /// <summary>Reaches the registry from a node without that role through <see cref="ModelRegistry"/>.</summary>
    public static AkkaConfigurationBuilder AddModelRegistryProxy(this AkkaConfigurationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithSingletonProxy<ModelRegistry>(ModelRegistryActor.Id, new ClusterSingletonOptions { Role = NodeRoles.Control });
    }

    internal static AkkaConfigurationBuilder AddModelRegistry(
        this AkkaConfigurationBuilder builder, RegistryOptions options, ModelStore store, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);

        // Two writers of one journal mean two registries; which of them is right is for a person to say, not for a filter.
        return builder
            .AddHocon("akka.persistence.journal-plugin-fallback.replay-filter.mode = fail", HoconAddMode.Prepend)
            .WithSingleton<ModelRegistry>(
                ModelRegistryActor.Id,
                (_, _, _) => Supervised(Props.Create(() => new ModelRegistryActor(options, store, time))),
                new ClusterSingletonOptions { Role = NodeRoles.Control, TerminationMessage = ModelRegistryActor.Stop.Instance });
    }

    // A journal that is away stops the actor; it comes back with growing pauses. Whoever asks meanwhile gets an answer.
    private static Props Supervised(Props registry) => BackoffSupervisor.Props(
        Backoff.OnStop(registry, "actor", MinBackoff, MaxBackoff, 0.2, -1)
            .WithDefaultStoppingStrategy()
            .WithFinalStopMessage(message => message is ModelRegistryActor.Stop)
            .WithReplyWhileStopped(new RegistryReply(RegistryCode.Failed, "The registry restarts; nothing changed. Try again.", 0)));
}
