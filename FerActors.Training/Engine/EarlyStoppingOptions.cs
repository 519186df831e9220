namespace FerActors.Training.Engine;

/// <summary>When a run ends early, and by what its epochs are compared.</summary>
public sealed record EarlyStoppingOptions
{
    /// <summary>Agreement with the majority of people's votes; the validation images need some.</summary>
    public const string Agreement = "agreement";

    /// <summary>Metrics of the validation images by which epochs can be compared.</summary>
    public static IReadOnlyList<string> Metrics { get; } = ["accuracy", "macro_f1", "loss", Agreement];

    /// <summary>The run ends after this many epochs in a row without a new best one, 1 to 10,000; 0 never ends it early.</summary>
    public int Patience { get; init; }

    /// <summary>One of <see cref="Metrics"/>; of <c>loss</c> the least is the best.</summary>
    public string Metric { get; init; } = "accuracy";

    /// <summary>By how much an epoch has to be better than the best one before it to take its place; 0 or more.</summary>
    public double MinGain { get; init; }

    internal IEnumerable<string> Mistakes()
    {
        if (Patience is < 0 or > 10_000)
        {
            yield return $"patience is {Patience}; it must be from 0 to 10000.";
        }

        if (!Metrics.Contains(Metric))
        {
            yield return $"metric is '{Metric}'; it must be {string.Join(" or ", Metrics)}.";
        }

        if (!(MinGain >= 0) || !double.IsFinite(MinGain))
        {
            yield return $"min_gain is {MinGain}; it must be 0 or more.";
        }
    }
}
