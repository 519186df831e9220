using System.Diagnostics;
using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Inference.Pipeline;

/// <summary>From the encoded image to aligned crops. Holds a detector: one for each worker, used by one thread at a time.</summary>
/// <param name="detector">Owned by the extractor.</param>
/// <param name="limits">Limits on the encoded image.</param>
/// <param name="alignment">How faces are cut out.</param>
/// <param name="side">Side of the crops, in pixels.</param>
public sealed class FaceExtractor(IFaceDetector detector, ImageLimits limits, FaceAlignment alignment, int side) : IDisposable
{
    /// <exception cref="ImageRejectedException">The image is not accepted.</exception>
    public ImageAligned Extract(AlignImage request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var watch = Stopwatch.StartNew();
        using var image = ImageDecoder.Decode(request.Body, limits);
        var decodeMs = Lap(watch);
        var found = request.Request.Aligned ? null : detector.Detect(image.Bgr);
        var detected = found is null ? [WholePicture(image)] : Select(found, request.Request.Faces);
        var detectMs = request.Request.Aligned ? 0 : Lap(watch);
        var faces = detected.Select(face => Align(image, face, request.Request)).ToList();
        return new ImageAligned(
            request.Key,
            new ImageInfo(image.Width, image.Height, image.Format.Name()),
            faces,
            decodeMs,
            detectMs,
            Lap(watch))
        {
            Detection = found is null ? null : new DetectionSummary(found.Total, found.Total > found.Count, found.Scale),
        };
    }

    public void Dispose() => detector.Dispose();

    private AlignedFace Align(DecodedImage image, DetectedFace face, RequestOptions request)
    {
        var gray = request.Aligned ? Shrink(image.Bgr) : FaceAligner.Align(image.Bgr, face, side, alignment);
        return new AlignedFace(
            face,
            FaceGeometry.RollDegrees(face.Landmarks),
            new FaceCrop(gray, request.Include.HasFlag(IncludeParts.Attention)) { Explain = request.Explain },
            request.Include.HasFlag(IncludeParts.Crop) ? EncodePng(gray) : null);
    }

    // A crop that the publisher aligned: any size, brought to the model's.
    private byte[] Shrink(Mat bgr)
    {
        using var gray = new Mat();
        Cv2.CvtColor(bgr, gray, ColorConversionCodes.BGR2GRAY);
        if (gray.Width != side || gray.Height != side)
        {
            var shrinks = gray.Width > side || gray.Height > side;
            Cv2.Resize(gray, gray, new Size(side, side), interpolation: shrinks ? InterpolationFlags.Area : InterpolationFlags.Linear);
        }

        return gray.AsSpan<byte>().ToArray();
    }

    private byte[] EncodePng(byte[] gray)
    {
        using var crop = new Mat(side, side, MatType.CV_8UC1);
        gray.CopyTo(crop.AsSpan<byte>());
        return crop.ImEncode(".png");
    }

    private static DetectedFace WholePicture(DecodedImage image) => new(new FaceBox(0, 0, image.Width, image.Height), null, null);

    private static IReadOnlyList<DetectedFace> Select(IReadOnlyList<DetectedFace> faces, FaceSelection selection) =>
        selection == FaceSelection.Largest ? [.. faces.Take(1)] : faces;

    private static double Lap(Stopwatch watch)
    {
        var elapsed = watch.Elapsed.TotalMilliseconds;
        watch.Restart();
        return elapsed;
    }
}
