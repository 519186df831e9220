using Akka;
using Akka.Actor;
using Akka.Hosting;
using FerActors.Shared.Options;
using FerActors.Shared.Training;

namespace FerActors.Training.Node;

/// <summary>Registry key of this node's <see cref="TrainingNodeActor"/>.</summary>
public sealed class TrainingNode
{
    private TrainingNode()
    {
    }
}

public static class TrainingNodeHosting
{
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
}
