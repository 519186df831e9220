using FerActors.Shared.Protocol;

namespace FerActors.Vision.Imaging;

/// <summary>
/// Reads a picture's header in managed code, so that a hostile one is refused before a native decoder sees it. Also walks the file's
/// outer structure to its end, which is how truncated files are found.
/// </summary>
public static class ImageHeaderProbe
{
    /// <summary>Parses the header of a JPEG, PNG, WebP or BMP. Allocates nothing that depends on the bytes.</summary>
    /// <exception cref="ImageRejectedException">
    /// The only exception there is. <see cref="ErrorCodes.EmptyBody"/>: no bytes. <see cref="ErrorCodes.UnsupportedFormat"/>: another
    /// format, or a variant that is not accepted. <see cref="ErrorCodes.CorruptImage"/>: damaged, truncated, or without pixels.
    /// </exception>
    public static ImageHeader Probe(ReadOnlySpan<byte> bytes)
    {
        var (header, damage) = Read(bytes);
        return damage is null ? header : throw ImageRejectedException.Corrupt(damage);
    }

    /// <summary>Reads what the header says, whatever follows it.</summary>
    /// <returns><see langword="null"/> where the bytes are no picture of a format that is read, or its header is damaged.</returns>
    public static ImageHeader? TryRead(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Read(bytes).Header;
        }
        catch (ImageRejectedException)
        {
            return null;
        }
    }

    /// <summary>As <see cref="Probe"/>, but damage after the header is reported rather than thrown.</summary>
    internal static HeaderReading Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            throw new ImageRejectedException(ErrorCodes.EmptyBody, "The message has no body.");
        }

        if (JpegHeader.Matches(bytes))
        {
            return JpegHeader.Read(bytes);
        }

        if (PngHeader.Matches(bytes))
        {
            return PngHeader.Read(bytes);
        }

        if (WebPHeader.Matches(bytes))
        {
            return WebPHeader.Read(bytes);
        }

        if (BmpHeader.Matches(bytes))
        {
            return BmpHeader.Read(bytes);
        }

        throw ImageRejectedException.Unsupported($"The body is {ForeignFormat.Describe(bytes)}; accepted are JPEG, PNG, WebP and BMP.");
    }
}
