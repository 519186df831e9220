using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Lab.Bench;

/// <summary>A photo-like picture without a face: smooth shades with noise, so that it neither compresses nor decodes unusually well.</summary>
internal static class SyntheticPhoto
{
    /// <summary>A JPEG of quality 90.</summary>
    public static byte[] Jpeg(int width, int height)
    {
        using var bgr = Bgr(width, height);
        Cv2.ImEncode(".jpg", bgr, out var bytes, new ImageEncodingParam(ImwriteFlags.JpegQuality, 90));
        return bytes;
    }

    /// <summary>8 bits, 3 channels; the caller's to dispose.</summary>
    public static Mat Bgr(int width, int height, ulong seed = 1)
    {
        OpenCvRuntime.EnsureLoaded();
        Cv2.SetTheRNG(seed);
        using var coarse = new Mat(8, 8, MatType.CV_8UC3);
        Cv2.Randu(coarse, new Scalar(40, 40, 40), new Scalar(215, 215, 215));
        var picture = new Mat();
        Cv2.Resize(coarse, picture, new Size(width, height), interpolation: InterpolationFlags.Cubic);
        using var noise = new Mat(height, width, MatType.CV_8UC3);
        Cv2.Randn(noise, new Scalar(0, 0, 0), new Scalar(6, 6, 6));
        Cv2.Add(picture, noise, picture);
        return picture;
    }
}
