using FerActors.Shared.Protocol;

namespace FerActors.Inference.Faces;

/// <summary>Geometry of boxes.</summary>
public static class FaceBoxes
{
    /// <summary>Intersection over union, 0 to 1.</summary>
    public static double IntersectionOverUnion(this FaceBox a, FaceBox b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var width = Math.Min(a.X + a.Width, b.X + b.Width) - Math.Max(a.X, b.X);
        var height = Math.Min(a.Y + a.Height, b.Y + b.Height) - Math.Max(a.Y, b.Y);
        if (width <= 0 || height <= 0)
        {
            return 0;
        }

        var intersection = width * height;
        return intersection / (a.Area + b.Area - intersection);
    }
}
