using Akka.Hosting;
using FerActors.Control.Registry;
using FerActors.Host.Feedback;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Training.Registration;
using FerActors.Vision.Native;

namespace FerActors.Host.Node;

/// <summary>The model registry: hosted by nodes of the role <c>control</c>, reached by all others. These nodes take feedback, too.</summary>
public static class ControlRole
{
    /// <summary>Finds out whether the machine can try the models that it registers.</summary>
    /// <exception cref="NativeLibraryException">A native library cannot be used on this machine.</exception>
    public static void Prepare(FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Cluster.Has(NodeRoles.Control))
        {
            TorchRuntime.EnsureLoaded();
        }
    }

    /// <summary>Adds the registry, or the proxy to it. Needs the journal where the node has the role.</summary>
    public static void AddTo(AkkaConfigurationBuilder akka, FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(akka);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Cluster.Has(NodeRoles.Control))
        {
            akka.AddModelRegistry(options.Registry, new VitModelInspector()).AddFeedbackIntake(options.RabbitMq, options.Feedback);
        }
        else
        {
            akka.AddModelRegistryProxy();
        }
    }
}
