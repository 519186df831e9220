using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Vision.Imaging;

/// <summary>How large a picture may be.</summary>
/// <param name="MaxBytes">Encoded bytes.</param>
/// <param name="MaxPixels">Width times height.</param>
/// <param name="MaxSide">Width and height each.</param>
public sealed record ImageLimits(int MaxBytes, long MaxPixels, int MaxSide)
{
    /// <summary>8 MiB, 25 million pixels, 8192 pixels a side.</summary>
    public static ImageLimits Default { get; } = From(new ImageLimitsOptions());

    public static ImageLimits From(ImageLimitsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new ImageLimits(options.MaxBytes, options.MaxPixels, options.MaxSide);
    }

    /// <summary>Why a body is refused, as far as its length, header and outer structure say: no pixel is decoded.</summary>
    /// <param name="body">The encoded image.</param>
    /// <returns>Absent where nothing speaks against decoding it.</returns>
    public ErrorDetail? Refusal(ReadOnlySpan<byte> body)
    {
        try
        {
            CheckBytes(body.Length);
            var (header, damage) = ImageHeaderProbe.Read(body);
            Check(header);
            return damage is null ? null : new ErrorDetail(ErrorCodes.CorruptImage, damage);
        }
        catch (ImageRejectedException e)
        {
            return new ErrorDetail(e.Code, e.Message);
        }
    }

    /// <exception cref="ImageRejectedException">The encoded bytes are too many.</exception>
    internal void CheckBytes(int length)
    {
        if (length > MaxBytes)
        {
            throw ImageRejectedException.TooLarge($"The image has {length} bytes; accepted are at most {MaxBytes}.");
        }
    }

    /// <exception cref="ImageRejectedException">The picture that the header announces is too large.</exception>
    internal void Check(ImageHeader header)
    {
        if (header.Width > MaxSide || header.Height > MaxSide)
        {
            throw ImageRejectedException.TooLarge($"The picture is {header.Width} x {header.Height}; each side may have at most {MaxSide} pixels.");
        }

        if (header.Pixels > MaxPixels)
        {
            throw ImageRejectedException.TooLarge(
                $"The picture is {header.Width} x {header.Height}, {header.Pixels} pixels; accepted are at most {MaxPixels}.");
        }
    }
}
