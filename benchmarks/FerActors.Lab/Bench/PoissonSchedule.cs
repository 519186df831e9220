namespace FerActors.Lab.Bench;

/// <summary>
/// When the requests of an open loop are due: a Poisson process, whose gaps are exponential and know nothing of each other nor of the
/// answers. That is how many strangers together behave; a closed loop waits politely for the server and hides how it does under them.
/// </summary>
internal static class PoissonSchedule
{
    /// <summary>The moments of all arrivals within a time.</summary>
    /// <param name="ratePerSecond">Arrivals a second on average, above 0.</param>
    /// <param name="duration">How long they come.</param>
    /// <param name="seed">The same seed gives the same moments.</param>
    /// <returns>Ascending, counted from the start; each before <paramref name="duration"/>.</returns>
    public static IReadOnlyList<TimeSpan> Arrivals(double ratePerSecond, TimeSpan duration, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ratePerSecond);
        var random = new Random(seed);
        var arrivals = new List<TimeSpan>();
        var at = 0.0;
        while (true)
        {
            // 1 - u is never 0, so the logarithm is finite.
            at += -Math.Log(1 - random.NextDouble()) / ratePerSecond;
            if (at >= duration.TotalSeconds)
            {
                return arrivals;
            }

            arrivals.Add(TimeSpan.FromSeconds(at));
        }
    }
}
