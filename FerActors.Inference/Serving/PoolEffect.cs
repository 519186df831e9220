using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>What the model host has to do after a step of <see cref="InstancePool"/>.</summary>
internal abstract record PoolEffect
{
    private PoolEffect()
    {
    }

    /// <summary>Run the batch on the instance.</summary>
    public sealed record Run(int Instance, long Batch) : PoolEffect;

    /// <summary>Nobody can run the batch: it failed where it was tried.</summary>
    public sealed record Fail(long Batch, Exception Cause) : PoolEffect;

    /// <summary>The instance was taken out: dispose its models.</summary>
    public sealed record TakeOut(int Instance) : PoolEffect;

    /// <summary>Load the models of the instance anew, and try them.</summary>
    public sealed record Try(int Instance) : PoolEffect;

    /// <summary>Every instance in service has the model of the slot.</summary>
    public sealed record Taken(ModelSlot Slot, long Ticket) : PoolEffect;

    /// <summary>No instance holds the model any more.</summary>
    public sealed record Left(long Ticket) : PoolEffect;

    /// <summary>So many batches may run at once from now on.</summary>
    public sealed record Capacity(int Instances) : PoolEffect;
}
