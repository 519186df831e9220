namespace FerActors.Shared.Telemetry;

/// <summary>
/// How long a part that has work has not finished any of it. A part that is open, connected and busy may still stand still; only this
/// tells. Measured with the monotonic clock. Not safe for threads.
/// </summary>
/// <param name="clock">The time.</param>
public sealed class StandstillClock(TimeProvider clock)
{
    private long? _since;

    /// <summary>Time since the part last finished something, or got work while it had none; <see langword="null"/> where it has none.</summary>
    public TimeSpan? Standing => _since is { } since ? clock.GetElapsedTime(since) : null;

    /// <summary>Something happened in the part.</summary>
    /// <param name="waits">The part has work.</param>
    /// <param name="moved">The part has just finished some.</param>
    public void Observe(bool waits, bool moved)
    {
        if (!waits)
        {
            _since = null;
        }
        else if (moved || _since is null)
        {
            _since = clock.GetTimestamp();
        }
    }
}
