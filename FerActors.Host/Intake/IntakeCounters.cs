namespace FerActors.Host.Intake;

/// <summary>What the intake did since it started.</summary>
public sealed record IntakeCounters
{
    public long Delivered { get; init; }

    public long Redelivered { get; init; }

    public long Acknowledged { get; init; }

    public long DeadLettered { get; init; }

    public long Returned { get; init; }

    /// <summary>Answered with an error result by the transport itself.</summary>
    public long Refused { get; init; }

    /// <summary>Redeliveries that needed no second classification.</summary>
    public long Deduplicated { get; init; }

    /// <summary>Sessions that ended while deliveries were open.</summary>
    public long SessionsLost { get; init; }
}
