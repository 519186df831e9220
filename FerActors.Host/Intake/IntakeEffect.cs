using FerActors.Inference.Pipeline;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Intake;

/// <summary>What the consumer actor has to do after a step of <see cref="IntakeState"/>.</summary>
public abstract record IntakeEffect
{
    private IntakeEffect()
    {
    }

    /// <summary>Start consuming with this prefetch.</summary>
    public sealed record Consume(int Prefetch) : IntakeEffect;

    /// <summary>Cancel the careful consumer, then consume with this prefetch.</summary>
    public sealed record OpenUp(int Prefetch) : IntakeEffect;

    /// <summary>Cancel the consumer and start none.</summary>
    public sealed record StopConsuming : IntakeEffect;

    /// <summary>Hand it to the pipeline.</summary>
    public sealed record Classify(ImageDelivery Delivery, bool Alone) : IntakeEffect;

    /// <summary>Publish its result.</summary>
    public sealed record Publish(ImageDelivery Delivery, ClassificationResult Result) : IntakeEffect;

    /// <summary>Publish an error result made by the transport itself.</summary>
    public sealed record PublishError(ImageDelivery Delivery, string Code, string Message) : IntakeEffect;

    /// <summary>Tell the broker that the delivery is settled.</summary>
    /// <param name="Work">Names the work, and is to be given to <see cref="IntakeState.Settled"/>.</param>
    /// <param name="Tag">The delivery tag to use, of the present session.</param>
    /// <param name="How">Acknowledge, dead-letter or return.</param>
    public sealed record Settle(DeliveryKey Work, ulong Tag, Settlement How) : IntakeEffect;

    /// <summary>Publish a copy of it, with the reason, to the dead-letter queue.</summary>
    public sealed record Bury(ImageDelivery Delivery, string Reason) : IntakeEffect;

    /// <summary>Something that an operator wants to read.</summary>
    public sealed record Warn(string MessageId, string Reason) : IntakeEffect;
}
