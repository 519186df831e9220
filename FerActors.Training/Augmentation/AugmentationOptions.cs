namespace FerActors.Training.Augmentation;

/// <summary>How a training image is varied. The defaults suit FER2013: small, unaligned, loosely cropped grey faces.</summary>
/// <remarks>Never a vertical flip: no camera delivers it, and mouths and brows mean the opposite upside down.</remarks>
public sealed record AugmentationOptions
{
    public static AugmentationOptions Default { get; } = new();

    /// <summary>Nothing is varied.</summary>
    public static AugmentationOptions None { get; } = new()
    {
        FlipProbability = 0,
        WarpProbability = 0,
        ToneProbability = 0,
        ErasingProbability = 0,
    };

    /// <summary>Probability of a mirror image.</summary>
    public float FlipProbability { get; init; } = 0.5f;

    /// <summary>Probability of a rotation, scaling and shift, in one warp.</summary>
    public float WarpProbability { get; init; } = 0.8f;

    /// <summary>Largest rotation to either side in degrees, 0 to 180.</summary>
    public float MaxRotation { get; init; } = 12;

    /// <summary>Factor of the size; above 1 the face becomes larger. Within 0.25 to 4.</summary>
    public ValueRange Scale { get; init; } = new(0.9f, 1.2f);

    /// <summary>Largest shift along each axis as a fraction of the side, 0 to 0.5.</summary>
    public float MaxShift { get; init; } = 0.08f;

    /// <summary>Probability of a change of brightness, contrast and gamma.</summary>
    public float ToneProbability { get; init; } = 0.7f;

    /// <summary>Largest brightness added or taken away, where white is 1. Within 0 to 1.</summary>
    public float MaxBrightness { get; init; } = 0.12f;

    /// <summary>Factor of the distances from the image's mean. Within 0 to 4.</summary>
    public ValueRange Contrast { get; init; } = new(0.75f, 1.3f);

    /// <summary>Exponent of the values, where white is 1; below 1 brightens. Within 0.1 to 10.</summary>
    public ValueRange Gamma { get; init; } = new(0.75f, 1.35f);

    /// <summary>Probability of one erased rectangle (Zhong et al., "Random erasing data augmentation", 2017).</summary>
    public float ErasingProbability { get; init; } = 0.25f;

    /// <summary>Area of the rectangle as a fraction of the image. Within 0 to 1.</summary>
    public ValueRange ErasingArea { get; init; } = new(0.02f, 0.2f);

    /// <summary>Height over width of the rectangle. Within 0.1 to 10.</summary>
    public ValueRange ErasingAspect { get; init; } = new(0.3f, 3.3f);

    public ErasingFill ErasingFill { get; init; } = ErasingFill.Noise;

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
        Check(FlipProbability is >= 0 and <= 1, nameof(FlipProbability), "0 to 1");
        Check(WarpProbability is >= 0 and <= 1, nameof(WarpProbability), "0 to 1");
        Check(MaxRotation is >= 0 and <= 180, nameof(MaxRotation), "0 to 180 degrees");
        Check(Scale.IsWithin(0.25f, 4), nameof(Scale), "0.25 to 4");
        Check(MaxShift is >= 0 and <= 0.5f, nameof(MaxShift), "0 to 0.5");
        Check(ToneProbability is >= 0 and <= 1, nameof(ToneProbability), "0 to 1");
        Check(MaxBrightness is >= 0 and <= 1, nameof(MaxBrightness), "0 to 1");
        Check(Contrast.IsWithin(0, 4), nameof(Contrast), "0 to 4");
        Check(Gamma.IsWithin(0.1f, 10), nameof(Gamma), "0.1 to 10");
        Check(ErasingProbability is >= 0 and <= 1, nameof(ErasingProbability), "0 to 1");
        Check(ErasingArea.IsWithin(0, 1), nameof(ErasingArea), "0 to 1");
        Check(ErasingAspect.IsWithin(0.1f, 10), nameof(ErasingAspect), "0.1 to 10");
        Check(Enum.IsDefined(ErasingFill), nameof(ErasingFill), "Mean or Noise");
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
