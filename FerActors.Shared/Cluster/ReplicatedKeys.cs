namespace FerActors.Shared.Cluster;

/// <summary>Names of what the nodes share through Akka.DistributedData.</summary>
public static class ReplicatedKeys
{
    /// <summary>
    /// A last-writer-wins register of <see cref="Registry.DesiredModels"/>, whose clock is <see cref="Registry.DesiredModels.Sequence"/>:
    /// the journal's order decides, not the nodes' clocks.
    /// </summary>
    public const string DesiredModels = "fer-desired-models";

    /// <summary>A last-writer-wins map of <see cref="Registry.NodeModelStatus"/> by <see cref="Registry.NodeModelStatus.Address"/>.</summary>
    public const string NodeModels = "fer-node-models";
}
