namespace FerActors.Vision.Imaging;

/// <summary>What a picture's own header says, read without decoding a pixel.</summary>
/// <param name="Format">The encoding.</param>
/// <param name="Width">Pixels as stored, at least 1; see <see cref="UprightWidth"/>.</param>
/// <param name="Height">Pixels as stored, at least 1; see <see cref="UprightHeight"/>.</param>
/// <param name="Orientation">EXIF orientation, 1 to 8; 1 where there is none or a damaged one.</param>
/// <param name="BitDepth">Bits of one sample (of one palette index): 1, 2, 4, 5 (16-bit BMP), 8 or 16.</param>
/// <param name="Color">What the samples mean.</param>
/// <param name="IsAnimated">More than one frame is announced (APNG, animated WebP).</param>
public sealed record ImageHeader(
    ImageFormat Format,
    int Width,
    int Height,
    int Orientation,
    int BitDepth,
    ColorKind Color,
    bool IsAnimated)
{
    /// <summary>Samples stored for each pixel, 1 to 4.</summary>
    public int Channels => Color.Channels();

    /// <summary>Some pixels may be transparent.</summary>
    public bool HasAlpha => Color.HasAlpha();

    /// <summary>Width times height.</summary>
    public long Pixels => (long)Width * Height;

    /// <summary>Width after the orientation was applied.</summary>
    public int UprightWidth => Orientation >= 5 ? Height : Width;

    /// <summary>Height after the orientation was applied.</summary>
    public int UprightHeight => Orientation >= 5 ? Width : Height;
}
