namespace FerActors.Training.Augmentation;

/// <summary>How often, and how strongly, a batch is mixed with itself.</summary>
public sealed record MixOptions
{
    /// <summary>Batches stay as they are.</summary>
    public static MixOptions None { get; } = new() { Probability = 0 };

    /// <summary>Probability that a batch is mixed at all.</summary>
    public double Probability { get; init; } = 1;

    /// <summary>Alpha of mixup's Beta(alpha, alpha) (Zhang et al., 2018); 0 switches mixup off.</summary>
    public double MixupAlpha { get; init; } = 0.8;

    /// <summary>Alpha of CutMix's Beta(alpha, alpha) (Yun et al., 2019); 0 switches CutMix off.</summary>
    public double CutMixAlpha { get; init; } = 1;

    /// <summary>Share of CutMix among the mixed batches where both are on.</summary>
    public double CutMixShare { get; init; } = 0.5;

    /// <exception cref="ArgumentException">A value lies outside its range; names it.</exception>
    public void Validate()
    {
        if (Mistakes() is [var (name, range), ..])
        {
            throw new ArgumentException($"{name} has to lie within {range}.", name);
        }
    }

    /// <summary>Every value that lies outside its range, with that range.</summary>
    internal IReadOnlyList<(string Name, string Range)> Mistakes()
    {
        var mistakes = new List<(string, string)>();
        Check(Probability is >= 0 and <= 1, nameof(Probability), "0 to 1");
        Check(MixupAlpha is >= 0 and <= 100, nameof(MixupAlpha), "0 to 100");
        Check(CutMixAlpha is >= 0 and <= 100, nameof(CutMixAlpha), "0 to 100");
        Check(CutMixShare is >= 0 and <= 1, nameof(CutMixShare), "0 to 1");
        return mistakes;

        void Check(bool holds, string name, string range)
        {
            if (!holds)
            {
                mistakes.Add((name, range));
            }
        }
    }
}
