using FerActors.Shared.Protocol;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Vision.Imaging;

/// <summary>Turns a message's body into an upright BGR picture, or into a refusal with a code and a sentence.</summary>
/// <remarks>
/// Choices for the odd ones: transparency is put on white, as a viewer shows it (what lies under transparent pixels was never meant to
/// be seen); 16-bit samples are scaled to 8; Adobe's CMYK is converted without a colour profile; animations are refused, since a
/// result could not say which frame it means. The EXIF orientation is applied here, once, for every format.
/// Thread-safe.
/// </remarks>
public static class ImageDecoder
{
    private const double SixteenToEightBits = 1.0 / 257;

    /// <summary>Decodes a picture. The limits are checked on its length and header, before a native decoder sees it.</summary>
    /// <param name="body">The encoded image.</param>
    /// <param name="limits">How large it may be.</param>
    /// <returns>The picture; the caller disposes it.</returns>
    /// <exception cref="ImageRejectedException">The picture is not accepted; nothing native is left behind.</exception>
    /// <exception cref="NativeLibraryException">OpenCV cannot be loaded on this machine.</exception>
    public static DecodedImage Decode(ReadOnlyMemory<byte> body, ImageLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        limits.CheckBytes(body.Length);
        var (header, damage) = ImageHeaderProbe.Read(body.Span);
        limits.Check(header);
        if (damage is not null)
        {
            throw ImageRejectedException.Corrupt(damage);
        }

        if (header.IsAnimated)
        {
            throw ImageRejectedException.Unsupported($"The {Title(header.Format)} is animated; send one frame as a still picture.");
        }

        // Decoders fill what is missing with grey, and only mutter about it.
        if (PictureIntegrity.FindDamage(body.Span) is { } flaw)
        {
            throw ImageRejectedException.Corrupt($"The {Title(header.Format)} {flaw}.");
        }

        OpenCvRuntime.EnsureLoaded();
        return new DecodedImage(DecodePixels(body.Span, header), header.Format);
    }

    private static Mat DecodePixels(ReadOnlySpan<byte> bytes, ImageHeader header)
    {
        Mat? picture = null;
        try
        {
            picture = Cv2.ImDecode(PictureIntegrity.Complete(bytes), Modes(header));
            // A decoder that disagrees with the header is one that was tricked: nothing it says about the pixels is believed.
            if (picture.Empty() || picture.Width != header.Width || picture.Height != header.Height)
            {
                throw ImageRejectedException.Corrupt($"The {Title(header.Format)}'s picture data cannot be decoded.");
            }

            ReduceDepth(picture);
            FlattenToBgr(picture);
            MakeUpright(picture, header.Orientation);
            var upright = picture;
            picture = null;
            return upright;
        }
        catch (OpenCVException e)
        {
            throw new ImageRejectedException(ErrorCodes.CorruptImage, $"The {Title(header.Format)}'s picture data cannot be decoded.", e);
        }
        finally
        {
            picture?.Dispose();
        }
    }

    // Unchanged is the one mode that keeps the alpha channel; it keeps 16 bits and ignores the orientation as well.
    private static ImreadModes Modes(ImageHeader header) =>
        header.HasAlpha ? ImreadModes.Unchanged : ImreadModes.Color | ImreadModes.AnyDepth | ImreadModes.IgnoreOrientation;

    private static void ReduceDepth(Mat picture)
    {
        if (picture.Depth() == MatType.CV_16U)
        {
            picture.ConvertTo(picture, MatType.CV_8U, SixteenToEightBits);
        }
        else if (picture.Depth() != MatType.CV_8U)
        {
            throw ImageRejectedException.Unsupported("The picture's samples are neither of 8 nor of 16 bits.");
        }
    }

    private static void FlattenToBgr(Mat picture)
    {
        switch (picture.Channels())
        {
            case 3:
                break;
            case 1:
                Cv2.CvtColor(picture, picture, ColorConversionCodes.GRAY2BGR);
                break;
            case 4:
                CompositeOnWhite(picture);
                break;
            default:
                throw ImageRejectedException.Unsupported($"The picture has {picture.Channels()} channels.");
        }
    }

    /// <summary>colour · α + white · (1 − α), in place, row by row so that no second picture is needed.</summary>
    private static void CompositeOnWhite(Mat picture)
    {
        var rows = picture.Rows;
        for (var y = 0; y < rows; y++)
        {
            foreach (ref var pixel in picture.RowSpan<Vec4b>(y))
            {
                var alpha = pixel.Item3;
                if (alpha != byte.MaxValue)
                {
                    pixel = new Vec4b(OnWhite(pixel.Item0, alpha), OnWhite(pixel.Item1, alpha), OnWhite(pixel.Item2, alpha), byte.MaxValue);
                }
            }
        }

        Cv2.CvtColor(picture, picture, ColorConversionCodes.BGRA2BGR);
    }

    private static byte OnWhite(byte value, byte alpha) =>
        (byte)(((value * alpha) + (byte.MaxValue * (byte.MaxValue - alpha)) + 127) / byte.MaxValue);

    /// <summary>Undoes the eight orientations of EXIF 2.32 (tag 0x0112).</summary>
    private static void MakeUpright(Mat picture, int orientation)
    {
        if (orientation >= 5)
        {
            Cv2.Transpose(picture, picture);
        }

        FlipMode? flip = orientation switch
        {
            2 or 6 => FlipMode.Y,
            3 or 7 => FlipMode.XY,
            4 or 8 => FlipMode.X,
            _ => null,
        };
        if (flip is { } mode)
        {
            Cv2.Flip(picture, picture, mode);
        }
    }

    private static string Title(ImageFormat format) => format switch
    {
        ImageFormat.WebP => "WebP",
        _ => format.Name().ToUpperInvariant(),
    };
}
