using FerActors.Shared.Options;

namespace FerActors.Inference.Imaging;

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
