namespace FerActors.Training.Augmentation;

/// <summary>How an output looks at the source: one similarity transform about the centre.</summary>
/// <param name="Flip">Mirrored left to right, before anything else.</param>
/// <param name="Rotation">Degrees; positive turns the picture counter-clockwise.</param>
/// <param name="Scale">Above 1 the picture is larger than its frame.</param>
/// <param name="ShiftX">How far the picture moves to the right, as a fraction of the side.</param>
/// <param name="ShiftY">How far the picture moves down, as a fraction of the side.</param>
public readonly record struct CropView(bool Flip, float Rotation, float Scale, float ShiftX, float ShiftY)
{
    /// <summary>The picture as it is.</summary>
    public static CropView Identity { get; } = new(false, 0, 1, 0, 0);

    /// <summary>The mirror image.</summary>
    public static CropView Mirrored { get; } = new(true, 0, 1, 0, 0);

    /// <summary>
    /// The ten views of ten-crop evaluation: the four corners and the centre, each plain and mirrored (Krizhevsky et al.,
    /// 2012). Average the probabilities over them.
    /// </summary>
    /// <param name="fraction">Side of a crop as a fraction of the image's side, above 0 and at most 1; 40/48 is usual.</param>
    public static IReadOnlyList<CropView> TenCrop(float fraction)
    {
        if (fraction is not (> 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "The crop has to be above 0 and at most 1.");
        }

        // A corner's centre lies (1 - f) / 2 from the image's centre; at scale 1 / f that is this far in the output.
        var shift = (1 - fraction) / 2 / fraction;
        (float X, float Y)[] places = [(0, 0), (shift, shift), (-shift, shift), (shift, -shift), (-shift, -shift)];
        return
        [
            .. places.Select(place => new CropView(false, 0, 1 / fraction, place.X, place.Y)),
            .. places.Select(place => new CropView(true, 0, 1 / fraction, place.X, place.Y)),
        ];
    }
}
