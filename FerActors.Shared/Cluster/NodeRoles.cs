namespace FerActors.Shared.Cluster;

/// <summary>What a node does; a node may have several roles. These are Akka.Cluster's role names.</summary>
public static class NodeRoles
{
    /// <summary>Hosts the model registry; its nodes are the seeds.</summary>
    public const string Control = "control";

    /// <summary>Hosts the training supervisor and carries out runs.</summary>
    public const string Training = "training";

    /// <summary>Consumes images and serves a model.</summary>
    public const string Inference = "inference";

    /// <summary>Answers the HTTP upload API; needs no model.</summary>
    public const string Api = "api";

    public static IReadOnlyList<string> All { get; } = [Control, Training, Inference, Api];
}
