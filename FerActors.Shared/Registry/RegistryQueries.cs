namespace FerActors.Shared.Registry;

public static class RegistryQueries
{
    /// <summary>Answered with <see cref="ModelList"/>.</summary>
    public sealed record List
    {
        private List()
        {
        }

        public static List Instance { get; } = new();
    }

    /// <summary>Answered with <see cref="ModelDescription"/>, or <see cref="RegistryReply"/> where there is no such version.</summary>
    public sealed record Describe(ModelVersionId Version);

    /// <summary>
    /// Asks whether a model may still be registered under a version's name; answered with <see cref="RegistryReply"/>, whose code is
    /// <see cref="RegistryCode.Done"/> where the name is free.
    /// </summary>
    public sealed record IsFree(ModelVersionId Version);

    /// <summary>Answered with <see cref="RegistryStatus"/>.</summary>
    public sealed record GetStatus
    {
        private GetStatus()
        {
        }

        public static GetStatus Instance { get; } = new();
    }

    /// <summary>Hashes a version's files again; answered with <see cref="RegistryReply"/>.</summary>
    public sealed record Verify(ModelVersionId Version);
}

/// <param name="Sequence">The registry's sequence number.</param>
/// <param name="Models">In the order of their registration, deleted ones left out.</param>
public sealed record ModelList(long Sequence, IReadOnlyList<ModelDescription> Models);

/// <param name="Model">The version.</param>
/// <param name="Aliases">Of <c>champion</c>, <c>challenger</c>, <c>previous</c>, those that name it.</param>
public sealed record ModelDescription(RegisteredModel Model, IReadOnlyList<string> Aliases);

/// <summary>What should serve, and how far the nodes are.</summary>
/// <param name="Sequence">The registry's sequence number.</param>
/// <param name="Desired">What nodes should serve.</param>
/// <param name="Previous">What a rollback would return to.</param>
/// <param name="Announced">A majority of the nodes has been told of <paramref name="Desired"/>.</param>
/// <param name="Alarm">What needs a person: a sentence, or <see langword="null"/>.</param>
/// <param name="LastRollback">The last rollback's reason.</param>
/// <param name="LastRollbackAt">Its time.</param>
/// <param name="Nodes">The live inference nodes, by address.</param>
public sealed record RegistryStatus(
    long Sequence,
    DesiredModels Desired,
    ModelVersionId? Previous,
    bool Announced,
    string? Alarm,
    string? LastRollback,
    DateTimeOffset? LastRollbackAt,
    IReadOnlyList<NodeProgress> Nodes)
{
    /// <summary>Every live inference node serves what it should.</summary>
    public bool Converged => Nodes.All(n => n.Converged);
}

/// <param name="Address">The node's Akka address.</param>
/// <param name="Reachable">It answers heartbeats.</param>
/// <param name="Converged">It serves all that it should.</param>
/// <param name="Status">What it last said; <see langword="null"/> if nothing yet.</param>
public sealed record NodeProgress(string Address, bool Reachable, bool Converged, NodeModelStatus? Status);
