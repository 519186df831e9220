using FerActors.Shared.Protocol;

namespace FerActors.Inference.Faces;

/// <summary>
/// Rotation, uniform scale and translation of the plane: <c>x' = A·x − B·y + Tx</c>, <c>y' = B·x + A·y + Ty</c>. It cannot mirror.
/// </summary>
/// <param name="A">Scale times the cosine of the rotation.</param>
/// <param name="B">Scale times the sine of the rotation.</param>
/// <param name="Tx">Translation in x.</param>
/// <param name="Ty">Translation in y.</param>
public readonly record struct SimilarityTransform(double A, double B, double Tx, double Ty)
{
    /// <summary>Below this, relative to the points' own magnitude, they count as one point.</summary>
    private const double RelativeSpread = 1e-9;

    /// <summary>Length of the image of a unit vector.</summary>
    public double Scale => Math.Sqrt((A * A) + (B * B));

    /// <summary>Rotation in degrees, clockwise positive where y points down; in (−180, 180].</summary>
    public double RotationDegrees => double.RadiansToDegrees(Math.Atan2(B, A));

    /// <summary>
    /// The least-squares similarity between two lists of corresponding points, in closed form: with both lists centred,
    /// A = Σ(x·x' + y·y') / Σ(x² + y²) and B = Σ(x·y' − y·x') / Σ(x² + y²). This is the planar case of S. Umeyama, "Least-squares
    /// estimation of transformation parameters between two point patterns" (1991), without the reflection.
    /// </summary>
    /// <param name="from">At least two points.</param>
    /// <param name="to">As many points.</param>
    /// <param name="transform">Maps <paramref name="from"/> onto <paramref name="to"/> with the least squared error.</param>
    /// <returns><see langword="false"/> where no transform is determined: too few, coincident or non-finite points on either side.</returns>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    public static bool Estimate(ReadOnlySpan<ImagePoint> from, ReadOnlySpan<ImagePoint> to, out SimilarityTransform transform)
    {
        if (from.Length != to.Length)
        {
            throw new ArgumentException("Both lists need the same number of points.", nameof(to));
        }

        transform = default;
        if (from.Length < 2)
        {
            return false;
        }

        var fromCentre = Centre(from);
        var toCentre = Centre(to);
        double along = 0, across = 0, spread = 0, magnitude = 0;
        for (var i = 0; i < from.Length; i++)
        {
            var (x, y) = (from[i].X - fromCentre.X, from[i].Y - fromCentre.Y);
            var (u, v) = (to[i].X - toCentre.X, to[i].Y - toCentre.Y);
            along += (x * u) + (y * v);
            across += (x * v) - (y * u);
            spread += (x * x) + (y * y);
            magnitude += (from[i].X * from[i].X) + (from[i].Y * from[i].Y);
        }

        // Squares of lengths, hence the square of the tolerance. Written so that NaN fails as well.
        if (!(spread > magnitude * RelativeSpread * RelativeSpread))
        {
            return false;
        }

        var (a, b) = (along / spread, across / spread);
        var candidate = new SimilarityTransform(
            a,
            b,
            toCentre.X - (a * fromCentre.X) + (b * fromCentre.Y),
            toCentre.Y - (b * fromCentre.X) - (a * fromCentre.Y));
        if (!double.IsFinite(candidate.Tx) || !double.IsFinite(candidate.Ty) || !double.IsNormal(candidate.Scale))
        {
            return false;
        }

        transform = candidate;
        return true;
    }

    /// <summary>Maps a point.</summary>
    public ImagePoint Apply(ImagePoint point) => new((A * point.X) - (B * point.Y) + Tx, (B * point.X) + (A * point.Y) + Ty);

    /// <summary>The transform back. The scale must not be 0.</summary>
    public SimilarityTransform Inverse()
    {
        var square = (A * A) + (B * B);
        var (a, b) = (A / square, -B / square);
        return new SimilarityTransform(a, b, -(a * Tx) + (b * Ty), -(b * Tx) - (a * Ty));
    }

    private static ImagePoint Centre(ReadOnlySpan<ImagePoint> points)
    {
        double x = 0, y = 0;
        foreach (var point in points)
        {
            x += point.X;
            y += point.Y;
        }

        return new ImagePoint(x / points.Length, y / points.Length);
    }
}
