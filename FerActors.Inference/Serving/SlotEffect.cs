using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>What the model host has to do after a step of <see cref="ModelSlots"/>.</summary>
internal abstract record SlotEffect
{
    private SlotEffect()
    {
    }

    /// <summary>Verify, load and try the version beside what serves. Never more than one at a time.</summary>
    public sealed record Load(long Ticket, ModelPointer Model) : SlotEffect;

    /// <summary>Nobody wants the load any more. It still has to be answered.</summary>
    public sealed record CancelLoad(long Ticket) : SlotEffect;

    /// <summary>From the next batch of each instance on this model serves the slot; <see langword="null"/> is none.</summary>
    public sealed record Swap(ModelSlot Slot, long? Ticket) : SlotEffect;

    /// <summary>Dispose the model once no instance holds it and its last pass has ended.</summary>
    public sealed record Dispose(long Ticket) : SlotEffect;

    /// <summary>Something that others want to know has changed.</summary>
    public sealed record Report : SlotEffect;
}
