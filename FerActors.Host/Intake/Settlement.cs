namespace FerActors.Host.Intake;

/// <summary>The three ends that a delivery may have.</summary>
public enum Settlement
{
    /// <summary>Its result is confirmed.</summary>
    Acknowledge,

    /// <summary>It never can be answered: rejected without requeueing, so that the broker dead-letters it.</summary>
    DeadLetter,

    /// <summary>A copy of it, with the reason, is confirmed in the dead-letter queue: acknowledged.</summary>
    Bury,

    /// <summary>It may succeed elsewhere or later: rejected with requeueing, which spends one of its deliveries.</summary>
    Return,
}
