namespace FerActors.Control.Wire;

/// <summary>Every message type that may be persisted or cross nodes; whatever is not listed is refused.</summary>
public static class WireTypes
{
    public static IReadOnlyList<WireType> All { get; } = [.. ModelWire.Types, .. RegistryWire.Types, .. TrainingWire.Types];
}
