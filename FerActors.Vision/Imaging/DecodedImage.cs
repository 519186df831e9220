using OpenCvSharp;

namespace FerActors.Vision.Imaging;

/// <summary>A decoded, upright picture. Owns native memory: dispose it as soon as its crops are taken.</summary>
public sealed class DecodedImage : IDisposable
{
    internal DecodedImage(Mat bgr, ImageFormat format)
    {
        Bgr = bgr;
        Format = format;
        Width = bgr.Width;
        Height = bgr.Height;
    }

    /// <summary>The pixels: 8-bit blue, green, red, rows from the top. Not to be changed, and not to be used after <see cref="Dispose"/>.</summary>
    public Mat Bgr { get; }

    /// <summary>Pixels of the upright picture.</summary>
    public int Width { get; }

    /// <summary>Pixels of the upright picture.</summary>
    public int Height { get; }

    /// <summary>How it was encoded.</summary>
    public ImageFormat Format { get; }

    public void Dispose() => Bgr.Dispose();
}
