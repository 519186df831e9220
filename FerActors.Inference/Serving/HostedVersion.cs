using FerActors.Inference.Engines;
using FerActors.Shared.Protocol;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>A version in the host's care: a copy of its model for each instance. Belongs to the host's actor.</summary>
/// <param name="ticket">The host's number of the version.</param>
/// <param name="pointer">The version in the registry; absent for the model that serves before the first promotion.</param>
/// <param name="copies">By instance; at least one.</param>
internal sealed class HostedVersion(long ticket, ModelPointer? pointer, Dictionary<int, HostedModel> copies)
{
    public long Ticket => ticket;

    public ModelPointer? Pointer => pointer;

    public ModelIdentity Identity { get; } = copies.Values.First().Identity;

    public int InputSide { get; } = copies.Values.First().InputSide;

    public EngineReport? Engines { get; } = copies.Values.First().Engines;

    public IReadOnlyDictionary<int, HostedModel> Copies => copies;

    /// <summary>To be disposed when no instance holds it any more.</summary>
    public bool Retiring { get; set; }

    /// <summary>Copies that are still in memory, those that an instance has left behind included.</summary>
    public int InMemory { get; set; } = copies.Count;

    /// <summary>Gives an instance another copy, or none.</summary>
    /// <returns>The one that it had.</returns>
    public HostedModel? Replace(int instance, HostedModel? copy)
    {
        copies.Remove(instance, out var former);
        if (copy is not null)
        {
            copies[instance] = copy;
            InMemory++;
        }

        return former;
    }
}
