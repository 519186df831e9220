using FerActors.Training.Data;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Training.Robustness;

/// <summary>One way in which the pipeline meets faces that are worse than those of the data: a fixed change of 48x48 grey pixels.</summary>
/// <param name="Kind">What kind of change it is; conditions of a kind stand together.</param>
/// <param name="Level">How far it goes, in words.</param>
/// <param name="Change">Changes an 8-bit grey image of 48x48 pixels in place.</param>
public sealed record ImageCondition(string Kind, string Level, Action<Mat> Change)
{
    private const int Side = FerDataset.Side;

    /// <summary>The images as they are, with which the others are compared.</summary>
    public static ImageCondition Clean { get; } = new("as it is", "48 px", _ => { });

    /// <summary>All conditions, <see cref="Clean"/> first.</summary>
    /// <remarks>
    /// Resampling is that of the pipeline: area averages down, bilinear up, edges repeated. Eyes and mouth lie in the bands where the crops of
    /// FER2013 have them.
    /// </remarks>
    public static IReadOnlyList<ImageCondition> All { get; } =
    [
        Clean,
        .. new[] { 0.5, 1, 1.5, 2 }.Select(sigma => new ImageCondition("blur", FormattableString.Invariant($"sigma {sigma} px"), image => Blur(image, sigma))),
        .. new[] { 70, 50, 30, 15 }.Select(quality => new ImageCondition("JPEG", $"quality {quality}", image => Compress(image, quality))),
        .. new[] { -60, -40, -20, 20, 40, 60 }.Select(percent => new ImageCondition(
            "brightness", $"{percent:+0;-0} %", image => image.ConvertTo(image, MatType.CV_8UC1, 1 + (percent / 100.0)))),
        .. new[] { 32, 24, 16 }.Select(side => new ImageCondition("small face", $"{side} px", image => Shrink(image, side))),
        .. new[] { -20, -10, -5, 5, 10, 20 }.Select(degrees => new ImageCondition("rotation", $"{degrees:+0;-0} degrees", image => Warp(image, degrees, 0, 0))),
        .. new (double X, double Y)[] { (0.5, 0), (0, 0.5), (0.5, 0.5), (-0.5, -0.5), (2, 2) }.Select(by => new ImageCondition(
            "shift", FormattableString.Invariant($"{by.X} px right, {by.Y} px down"), image => Warp(image, 0, by.X, by.Y))),
        new("occlusion", "eyes", image => Cover(image, top: 12, bottom: 23)),
        new("occlusion", "mouth", image => Cover(image, top: 32, bottom: 45)),
    ];

    /// <summary>The images under this condition; labels, votes and order stay.</summary>
    /// <param name="images">Any images.</param>
    /// <exception cref="NativeLibraryException">OpenCV's native library cannot be loaded.</exception>
    public FerDataset Apply(FerDataset images)
    {
        ArgumentNullException.ThrowIfNull(images);
        OpenCvRuntime.EnsureLoaded();
        var pixels = GC.AllocateUninitializedArray<byte>(images.Count * FerDataset.PixelsPerImage);
        using var image = new Mat(Side, Side, MatType.CV_8UC1);
        for (var i = 0; i < images.Count; i++)
        {
            images.Pixels(i).CopyTo(image.AsSpan<byte>());
            Change(image);
            image.AsSpan<byte>().CopyTo(pixels.AsSpan(i * FerDataset.PixelsPerImage));
        }

        return images.WithPixels(pixels);
    }

    private static void Blur(Mat image, double sigma) =>
        Cv2.GaussianBlur(image, image, new Size(0, 0), sigma, sigma, BorderTypes.Replicate);

    private static void Compress(Mat image, int quality)
    {
        Cv2.ImEncode(".jpg", image, out var bytes, new ImageEncodingParam(ImwriteFlags.JpegQuality, quality));
        using var decoded = Cv2.ImDecode(bytes, ImreadModes.Grayscale);
        decoded.CopyTo(image);
    }

    private static void Shrink(Mat image, int side)
    {
        using var small = new Mat();
        Cv2.Resize(image, small, new Size(side, side), interpolation: InterpolationFlags.Area);
        Cv2.Resize(small, image, new Size(Side, Side), interpolation: InterpolationFlags.Linear);
    }

    // Positive degrees turn the picture counter-clockwise about its centre.
    private static void Warp(Mat image, double degrees, double right, double down)
    {
        const float Centre = (Side - 1) / 2f;
        using var matrix = Cv2.GetRotationMatrix2D(new Point2f(Centre, Centre), degrees, 1);
        matrix.Set(0, 2, matrix.At<double>(0, 2) + right);
        matrix.Set(1, 2, matrix.At<double>(1, 2) + down);
        using var source = image.Clone();
        Cv2.WarpAffine(source, image, matrix, new Size(Side, Side), InterpolationFlags.Linear, BorderTypes.Replicate);
    }

    // A band across the face in the image's mean grey.
    private static void Cover(Mat image, int top, int bottom)
    {
        using var band = image.RowRange(top, bottom);
        band.SetTo(Cv2.Mean(image));
    }
}
