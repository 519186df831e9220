using OpenCvSharp;

namespace FerActors.Inference.Models;

/// <summary>
/// Brings crops to a model's side. The aligner cuts for the model that served at start; after a swap to a version of another size
/// the crops differ from it until the node starts again, and are resized here.
/// </summary>
internal static class CropFitter
{
    /// <summary>The same list where all crops fit.</summary>
    /// <exception cref="ArgumentException">A crop is not square.</exception>
    public static IReadOnlyList<FaceCrop> Fit(IReadOnlyList<FaceCrop> crops, int side) =>
        crops.All(c => c.Gray.Length == side * side) ? crops : [.. crops.Select(c => Fit(c, side))];

    private static FaceCrop Fit(FaceCrop crop, int side)
    {
        var own = (int)Math.Round(Math.Sqrt(crop.Gray.Length));
        if (own == side)
        {
            return crop;
        }

        if (own * own != crop.Gray.Length || own == 0)
        {
            throw new ArgumentException($"A crop of {crop.Gray.Length} pixels is not square.", nameof(crop));
        }

        using var gray = new Mat(own, own, MatType.CV_8UC1);
        crop.Gray.CopyTo(gray.AsSpan<byte>());
        using var fitted = new Mat();
        Cv2.Resize(gray, fitted, new Size(side, side), interpolation: own > side ? InterpolationFlags.Area : InterpolationFlags.Linear);
        return crop with { Gray = fitted.AsSpan<byte>().ToArray() };
    }
}
