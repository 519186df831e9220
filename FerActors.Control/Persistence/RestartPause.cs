using Akka.Actor;

namespace FerActors.Control.Persistence;

/// <summary>The pause of a plugin that has failed, before it starts again; what is sent to it meanwhile waits.</summary>
/// <remarks>
/// While the database is away, a plugin of Akka.Persistence.Sql fails as it starts, is restarted by the system's guardian, fails again,
/// and so on: connections and stack traces as fast as the machine allows.
/// </remarks>
internal sealed class RestartPause
{
    // Short enough for a database that comes back, long enough for one that stays away.
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(3);

    private bool _pausing;

    /// <summary>Instead of the plugin's start after a failure.</summary>
    public void Begin(IActorContext context, Exception reason)
    {
        _pausing = true;
        context.System.Scheduler.ScheduleTellOnce(Length, context.Self, new Over(reason), context.Self);
    }

    /// <summary>Before each message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="stash">Keeps it during the pause.</param>
    /// <param name="start">Called when the pause is over, with the failure.</param>
    /// <returns>True where the plugin is not to see it.</returns>
    public bool Takes(object message, IStash stash, Action<Exception> start)
    {
        if (message is Over over)
        {
            _pausing = false;
            start(over.Reason);
            return true;
        }

        if (_pausing)
        {
            stash.Stash();
        }

        return _pausing;
    }

    private sealed record Over(Exception Reason) : INoSerializationVerificationNeeded;
}
