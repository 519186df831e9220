using FerActors.Shared.Options;
using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>Cuts a face out of a picture in FER2013's geometry. Thread-safe.</summary>
public static class FaceAligner
{
    /// <summary>Largest crop side, in pixels.</summary>
    public const int MaxSide = 1024;

    /// <summary>Crop pixels are averaged over so many samples in each direction where the picture is reduced.</summary>
    private const int Oversampling = 2;

    /// <summary>Cuts out a face, upright, gray, square.</summary>
    /// <param name="bgr">The upright picture: 8-bit BGR.</param>
    /// <param name="face">A face of that picture.</param>
    /// <param name="side">Side of the crop in pixels, 1 to <see cref="MaxSide"/>.</param>
    /// <param name="alignment">Similarity to FER2013's mean face, or the square box.</param>
    /// <returns>
    /// side·side gray values (ITU-R BT.601, as OpenCV converts), row by row. Beyond the picture's edge its last pixel is repeated. A
    /// face larger than the crop is averaged down, not sampled.
    /// </returns>
    /// <exception cref="ArgumentException">The picture is empty or not 8-bit BGR, or the box has no finite positive height.</exception>
    public static byte[] Align(Mat bgr, DetectedFace face, int side, FaceAlignment alignment = FaceAlignment.Similarity)
    {
        FaceFilter.CheckPicture(bgr);
        ArgumentNullException.ThrowIfNull(face);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(side, MaxSide);
        if (!double.IsFinite(face.Box.X + face.Box.Y + face.Box.Area) || !(face.Box.Height > 0))
        {
            throw new ArgumentException("The face's box has no finite positive size.", nameof(face));
        }

        return Cut(bgr, FaceGeometry.PictureToCrop(face, alignment), side);
    }

    private static byte[] Cut(Mat bgr, SimilarityTransform pictureToCrop, int side)
    {
        var reduces = pictureToCrop.Scale * side < 1;
        var canvasSide = reduces ? side * Oversampling : side;
        var region = Region(bgr, pictureToCrop);
        using var source = new Mat();
        using (var part = new Mat(bgr, region))
        {
            Cv2.CvtColor(part, source, ColorConversionCodes.BGR2GRAY);
        }

        // The warp takes one sample a pixel, so what is still much larger than the canvas is averaged down before it.
        var scale = pictureToCrop.Scale * canvasSide;
        if (scale < 1)
        {
            var size = new Size(SearchCanvas.Fit(region.Width, scale), SearchCanvas.Fit(region.Height, scale));
            Cv2.Resize(source, source, size, interpolation: InterpolationFlags.Area);
        }

        using var canvas = new Mat();
        using (var warp = Warp(pictureToCrop, canvasSide, region, source.Width / (double)region.Width, source.Height / (double)region.Height))
        {
            Cv2.WarpAffine(source, canvas, warp, new Size(canvasSide, canvasSide), InterpolationFlags.Linear, BorderTypes.Replicate);
        }

        if (reduces)
        {
            Cv2.Resize(canvas, canvas, new Size(side, side), interpolation: InterpolationFlags.Area);
        }

        return canvas.AsSpan<byte>().ToArray();
    }

    /// <summary>The part of the picture that the crop reaches into, with a margin for the averaging; at least one pixel of it.</summary>
    private static Rect Region(Mat bgr, SimilarityTransform pictureToCrop)
    {
        var back = pictureToCrop.Inverse();
        var corners = new[] { back.Apply(new(0, 0)), back.Apply(new(1, 0)), back.Apply(new(0, 1)), back.Apply(new(1, 1)) };
        var margin = 2 + (0.05 * back.Scale);
        var (width, height) = (bgr.Width, bgr.Height);
        var left = Math.Clamp(Math.Floor(corners.Min(p => p.X) - margin), 0, width - 1);
        var top = Math.Clamp(Math.Floor(corners.Min(p => p.Y) - margin), 0, height - 1);
        var right = Math.Clamp(Math.Ceiling(corners.Max(p => p.X) + margin), left + 1, width);
        var bottom = Math.Clamp(Math.Ceiling(corners.Max(p => p.Y) + margin), top + 1, height);
        return new Rect((int)left, (int)top, (int)(right - left), (int)(bottom - top));
    }

    /// <summary>
    /// The 2 x 3 matrix from pixels of the reduced region to pixels of the canvas. Points are continuous (a pixel is a unit square),
    /// whereas OpenCV's matrices speak of pixel centres: hence the halves.
    /// </summary>
    private static Mat Warp(SimilarityTransform pictureToCrop, int canvasSide, Rect region, double reducedX, double reducedY)
    {
        var (a, b) = (pictureToCrop.A * canvasSide, pictureToCrop.B * canvasSide);
        var origin = pictureToCrop.Apply(new(region.X, region.Y));
        double[] row1 = [a / reducedX, -b / reducedY, origin.X * canvasSide];
        double[] row2 = [b / reducedX, a / reducedY, origin.Y * canvasSide];
        row1[2] += ((row1[0] + row1[1]) * 0.5) - 0.5;
        row2[2] += ((row2[0] + row2[1]) * 0.5) - 0.5;
        var warp = new Mat(2, 3, MatType.CV_64FC1);
        double[] values = [.. row1, .. row2];
        values.CopyTo(warp.AsSpan<double>());
        return warp;
    }
}
