namespace FerActors.Training.Engine;

/// <summary>Which epoch was the best one, and whether to wait for a better one: functions of a run's history alone.</summary>
public static class BestEpoch
{
    /// <summary>The best epoch; of equal ones the first. <see langword="null"/> for no history.</summary>
    public static EpochRecord? Of(IReadOnlyList<EpochRecord> history, EarlyStoppingOptions options)
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentNullException.ThrowIfNull(options);
        EpochRecord? best = null;
        foreach (var record in history)
        {
            if (best is null || Value(record, options) > Value(best, options) + options.MinGain)
            {
                best = record;
            }
        }

        return best;
    }

    /// <summary>Whether <see cref="EarlyStoppingOptions.Patience"/> is used up.</summary>
    public static bool ShouldStop(IReadOnlyList<EpochRecord> history, EarlyStoppingOptions options) =>
        Of(history, options) is { } best && options.Patience > 0 && history[^1].Epoch - best.Epoch >= options.Patience;

    // More is better.
    private static double Value(EpochRecord record, EarlyStoppingOptions options) => options.Metric switch
    {
        "macro_f1" => record.MacroF1,
        "loss" => -record.ValidationLoss,
        EarlyStoppingOptions.Agreement => record.Agreement ?? 0,
        _ => record.Accuracy,
    };
}
