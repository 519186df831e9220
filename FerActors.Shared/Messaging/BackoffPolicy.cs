namespace FerActors.Shared.Messaging;

/// <summary>
/// How long to wait before the next attempt: the wait doubles from <paramref name="Min"/> to <paramref name="Max"/>, and half
/// of it is random, so that nodes which lost the same broker do not all return in the same moment ("equal jitter").
/// </summary>
/// <param name="Min">The base wait after the first failure.</param>
/// <param name="Max">The longest base wait.</param>
public sealed record BackoffPolicy(TimeSpan Min, TimeSpan Max)
{
    /// <summary>The wait after a number of failures in a row.</summary>
    /// <param name="failures">At least 1.</param>
    /// <param name="random">In [0, 1).</param>
    /// <returns>Between half of the base wait and the whole of it.</returns>
    public TimeSpan Delay(int failures, double random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(random);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(random, 1.0);
        // Thirty doublings of a millisecond are twelve days: beyond them only the cap matters.
        var doubled = Min.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 30));
        var whole = Math.Min(doubled, Max.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(whole * (0.5 + (random / 2)));
    }
}
