using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>What every detector does before and after its own work.</summary>
internal static class FaceFilter
{
    /// <exception cref="ArgumentException">The picture is empty or not 8-bit BGR.</exception>
    public static void CheckPicture(Mat bgr)
    {
        ArgumentNullException.ThrowIfNull(bgr);
        if (bgr.Empty() || bgr.Type() != MatType.CV_8UC3)
        {
            throw new ArgumentException("A detector needs a picture of 8-bit BGR pixels.", nameof(bgr));
        }
    }

    /// <summary>Drops what cannot be a face of the picture, sorts by area and caps the number.</summary>
    /// <param name="faces">What the detector found.</param>
    /// <param name="width">The picture's.</param>
    /// <param name="height">The picture's.</param>
    /// <param name="scale">Pixels of the searched copy for each pixel of the picture.</param>
    /// <param name="options">The bounds.</param>
    public static FoundFaces Keep(IEnumerable<DetectedFace> faces, int width, int height, double scale, DetectionOptions options)
    {
        var usable = faces
            .Where(face => IsUsable(face.Box, width, height, options.MinFaceSide))
            .OrderByDescending(face => face.Box.Area)
            .ThenByDescending(face => face.Score)
            .ToList();
        return new FoundFaces([.. usable.Take(options.MaxFaces)], usable.Count, Math.Min(1, scale));
    }

    private static bool IsUsable(FaceBox box, int width, int height, int minSide)
    {
        var (x, y) = (box.X + (box.Width / 2), box.Y + (box.Height / 2));
        return double.IsFinite(box.Area) && box.Width > 0 && box.Height >= minSide && x >= 0 && y >= 0 && x < width && y < height;
    }
}
