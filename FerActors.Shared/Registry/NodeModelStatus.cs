namespace FerActors.Shared.Registry;

/// <summary>What one inference node really serves, as it tells the others.</summary>
/// <param name="Address">The node's Akka address.</param>
/// <param name="Node">Its name in results.</param>
/// <param name="DesiredSequence">The <see cref="DesiredModels.Sequence"/> that it acts on.</param>
/// <param name="Slots">One for each model that it holds or was asked to hold.</param>
public sealed record NodeModelStatus(string Address, string Node, long DesiredSequence, IReadOnlyList<ModelSlotStatus> Slots)
{
    public bool Equals(NodeModelStatus? other) =>
        other is not null
        && Address == other.Address
        && Node == other.Node
        && DesiredSequence == other.DesiredSequence
        && Slots.SequenceEqual(other.Slots);

    public override int GetHashCode() => HashCode.Combine(Address, Node, DesiredSequence, Slots.Count);
}

/// <param name="Slot">What the model is there for.</param>
/// <param name="Version">The version's name; a folder's where it is not of the registry.</param>
/// <param name="WeightsSha256">Empty until it is known.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Reason">Why it failed; a sentence.</param>
/// <param name="Since">Begin of the phase.</param>
public sealed record ModelSlotStatus(
    ModelSlot Slot, string Version, string WeightsSha256, ModelPhase Phase, string? Reason, DateTimeOffset Since);

public enum ModelSlot
{
    Champion = 0,
    Canary = 1,
    Shadow = 2,
}

/// <summary>A model's way into service and out of it.</summary>
public enum ModelPhase
{
    Verifying = 0,
    Loading = 1,
    Warming = 2,
    Serving = 3,
    Failed = 4,
    Retiring = 5,
}
