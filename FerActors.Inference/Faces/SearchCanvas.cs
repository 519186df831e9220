namespace FerActors.Inference.Faces;

/// <summary>The fixed input size that a picture is searched at, and how it is fitted into it.</summary>
/// <param name="Width">Pixels, a multiple of 32.</param>
/// <param name="Height">Pixels, a multiple of 32.</param>
/// <param name="Scale">Canvas pixels for each pixel of the picture, which lies in the upper left corner.</param>
/// <remarks>
/// A detector is bound to its input size, so there are few sizes: some long sides, each with three shapes in both directions. Only
/// the sizes that occur cost memory.
/// </remarks>
internal readonly record struct SearchCanvas(int Width, int Height, double Scale)
{
    /// <summary>
    /// Small pictures are enlarged to fill the smallest canvas, which costs nothing and finds the faces that come as thumbnails: of
    /// FER2013's 48-pixel faces, YuNet finds four in five as they are, and 95 % at twice the size. More than this adds only blur.
    /// </summary>
    private const double LargestScale = 4;

    private const int Stride = 32;

    private static readonly int[] LongSides = [320, 480, 640, 960, 1280, 1920, 2560];

    /// <summary>Chooses the smallest canvas that holds the picture, reduced to <paramref name="maxSide"/> where it is longer.</summary>
    public static SearchCanvas For(int width, int height, int maxSide)
    {
        var longest = Math.Max(width, height);
        var target = Math.Min(maxSide, Math.Max(longest, LongSides[0]));
        var scale = Math.Min(LargestScale, target / (double)longest);
        var (fittedWidth, fittedHeight) = (Fit(width, scale), Fit(height, scale));
        var fittedLong = Math.Max(fittedWidth, fittedHeight);
        var longSide = Array.Find(LongSides, side => side >= fittedLong);
        var shortSide = ShortSide(longSide, Math.Min(fittedWidth, fittedHeight));
        return width >= height ? new SearchCanvas(longSide, shortSide, scale) : new SearchCanvas(shortSide, longSide, scale);
    }

    /// <summary>A side of the picture in canvas pixels, at least 1.</summary>
    public static int Fit(int side, double scale) => Math.Max(1, (int)Math.Round(side * scale));

    private static int ShortSide(int longSide, int needed)
    {
        var half = RoundUp(longSide / 2);
        var threeQuarters = RoundUp(longSide * 3 / 4);
        return needed <= half ? half : needed <= threeQuarters ? threeQuarters : longSide;
    }

    private static int RoundUp(int side) => (side + Stride - 1) / Stride * Stride;
}
