namespace FerActors.Training.Data;

/// <summary>When two images count as nearly the same.</summary>
public sealed record DuplicateOptions
{
    /// <summary>Most bits, of 64, in which the perceptual hashes differ: 0 to 7.</summary>
    public int MaxHashDistance { get; init; } = 7;

    /// <summary>
    /// Most grey levels by which the pixels differ on average, 0 to 255. It keeps apart images that merely share their
    /// coarse gradients, as upright faces do. On FER2013 pairs below 16 are the same photo, cropped or marked otherwise; with
    /// no bound most pairs are different people.
    /// </summary>
    public double MaxMeanDifference { get; init; } = 16;

    /// <exception cref="ArgumentOutOfRangeException">A value lies outside its range.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(MaxHashDistance);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxHashDistance, 7);
        if (MaxMeanDifference is not (>= 0 and <= 255))
        {
            throw new ArgumentOutOfRangeException(nameof(MaxMeanDifference), MaxMeanDifference, "The difference has to lie within 0 to 255.");
        }
    }
}
