namespace FerActors.Host.Intake;

/// <summary>How boldly the consumer takes images.</summary>
public enum IntakeMode
{
    /// <summary>There is no session with the broker.</summary>
    Down,

    /// <summary>
    /// One delivery at a time. Every session starts so: what a crash returned comes first, and a crashing image then spends
    /// only its own delivery budget, not that of the images beside it.
    /// </summary>
    Careful,

    /// <summary>As many deliveries as the prefetch allows: the backlog of suspects is through.</summary>
    Full,

    /// <summary>Stopping: nothing new is taken, what is in flight is finished.</summary>
    Draining,
}
