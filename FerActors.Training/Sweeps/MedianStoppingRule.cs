namespace FerActors.Training.Sweeps;

/// <summary>
/// The median stopping rule (Golovin et al., "Google Vizier", 2017, section 3.2.2): a trial is stopped at a step where its best value so
/// far is worse than the median of the running averages, up to that step, of the trials that have ended.
/// </summary>
/// <param name="MinEpochs">Epochs that every trial gets.</param>
/// <param name="MinTrials">Ended trials that have come as far before any trial is stopped.</param>
public sealed record MedianStoppingRule(int MinEpochs, int MinTrials)
{
    /// <summary>Whether a trial should stop now.</summary>
    /// <param name="current">Its values so far, one an epoch; larger is better.</param>
    /// <param name="ended">The values of the trials that ran to their end.</param>
    public bool ShouldStop(IReadOnlyList<double> current, IReadOnlyList<IReadOnlyList<double>> ended)
    {
        ArgumentNullException.ThrowIfNull(current);
        ArgumentNullException.ThrowIfNull(ended);
        var step = current.Count;
        if (step < MinEpochs || step == 0)
        {
            return false;
        }

        var averages = ended.Where(values => values.Count >= step).Select(values => values.Take(step).Average()).Order().ToList();
        return averages.Count >= MinTrials && current.Max() < Median(averages);
    }

    private static double Median(List<double> sorted)
    {
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
