namespace FerActors.Training.Engine;

/// <summary>
/// Training that begins with small images: most of what a network learns first shows in them too, and an epoch costs as the number of pixels.
/// After Tan and Le, "EfficientNetV2: Smaller Models and Faster Training" (2021), without their growing regularisation.
/// </summary>
public sealed record ProgressiveOptions
{
    /// <summary>Side of the first epochs' images in pixels, a multiple of the model's patch size; 0 trains at the model's own side throughout.</summary>
    public int FromSide { get; init; }

    /// <summary>Share of the epochs, above 0 and below 1, before the images have the model's own side. The last epoch has it in any case.</summary>
    public double Until { get; init; } = 0.75;

    /// <summary>The side in pixels of an epoch's images: from <see cref="FromSide"/> up in steps of one patch, each for as many epochs as the others.</summary>
    /// <param name="epoch">Number of the epoch, from 0.</param>
    /// <param name="epochs">All epochs.</param>
    /// <param name="fullSide">The model's own side.</param>
    /// <param name="patchSize">Side of its patches.</param>
    public int SideAt(int epoch, int epochs, int fullSide, int patchSize)
    {
        var steps = FromSide == 0 ? 0 : (fullSide - FromSide) / patchSize;
        if (steps == 0 || epoch >= epochs - 1)
        {
            return fullSide;
        }

        var step = (int)Math.Min(steps, epoch / (Until * epochs) * steps);
        return FromSide + (step * patchSize);
    }

    internal IEnumerable<string> Mistakes()
    {
        if (FromSide is not 0 and (< 8 or > 1024))
        {
            yield return $"from_side is {FromSide}; it must be 0 or from 8 to 1024.";
        }

        if (!(Until is > 0 and < 1))
        {
            yield return $"until is {Until}; it must be above 0 and below 1.";
        }
    }

    /// <summary>What does not fit a model, as a sentence; <see langword="null"/> where all fits.</summary>
    /// <param name="fullSide">The model's own side.</param>
    /// <param name="patchSize">Side of its patches.</param>
    internal string? Misfit(int fullSide, int patchSize) => FromSide == 0 || (FromSide <= fullSide && FromSide % patchSize == 0)
        ? null
        : $"progressive.from_side is {FromSide}; for this model it must be a multiple of {patchSize}, at most {fullSide}.";
}
