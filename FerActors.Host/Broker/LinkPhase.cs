namespace FerActors.Host.Broker;

public enum LinkPhase
{
    /// <summary>Until the next attempt.</summary>
    Waiting,

    Connecting,

    Up,

    /// <summary>No further attempt is made.</summary>
    Stopped,
}
