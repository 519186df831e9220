using Akka.Hosting;
using FerActors.Control.Training;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using FerActors.Training.Node;
using FerActors.Training.Registration;
using FerActors.Vision.Native;

namespace FerActors.Host.Node;

/// <summary>The training supervisor and what carries out runs: on nodes of the role <c>training</c>; all others reach the supervisor.</summary>
public static class TrainingRole
{
    /// <summary>Finds out whether the machine can train.</summary>
    /// <exception cref="NativeLibraryException">A native library cannot be used on this machine.</exception>
    public static void Prepare(FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Cluster.Has(NodeRoles.Training))
        {
            TorchRuntime.EnsureLoaded();
        }
    }

    /// <summary>Adds the role's actors, or the proxy to the supervisor. Needs the journal where the node has the role, and the registry.</summary>
    public static void AddTo(AkkaConfigurationBuilder akka, FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(akka);
        ArgumentNullException.ThrowIfNull(options);
        if (!options.Cluster.Has(NodeRoles.Training))
        {
            akka.AddTrainingSupervisorProxy();
            return;
        }

        var executor = new TrainingJobExecutor(options.Training);
        akka
            .AddTrainingSupervisor(
                options.Training,
                executor.Validate,
                registry => new RegistryRegistration(registry.Get<ModelRegistry>(), RegistryRegistration.DefaultPatience))
            .AddTrainingNode(options.Training, executor);
    }
}
