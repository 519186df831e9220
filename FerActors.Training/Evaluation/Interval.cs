namespace FerActors.Training.Evaluation;

/// <summary>A confidence interval of a proportion.</summary>
public readonly record struct Interval(double Low, double High)
{
    private const double Z95 = 1.959963984540054;

    /// <summary>
    /// Wilson's score interval at 95 % (Wilson, 1927). Unlike the normal approximation it stays within 0 to 1 and holds for
    /// small counts.
    /// </summary>
    /// <param name="successes">0 to <paramref name="trials"/>.</param>
    /// <param name="trials">At least 1.</param>
    public static Interval Wilson(long successes, long trials)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        const double Z2 = Z95 * Z95;
        var p = (double)successes / trials;
        var denominator = 1 + (Z2 / trials);
        var centre = (p + (Z2 / (2 * trials))) / denominator;
        var half = Z95 / denominator * Math.Sqrt((p * (1 - p) / trials) + (Z2 / (4.0 * trials * trials)));
        return new Interval(
            successes == 0 ? 0 : Math.Max(0, centre - half),
            successes == trials ? 1 : Math.Min(1, centre + half));
    }
}
