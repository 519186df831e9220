using FerActors.Shared.Protocol;

namespace FerActors.Vision.Imaging;

/// <summary>Reads a WebP's RIFF chunks (RFC 9649): lossy, lossless and extended files.</summary>
internal static class WebPHeader
{
    private const int FirstChunk = 12;
    private const int AnimationFlag = 0x02;
    private const int AlphaFlag = 0x10;

    public static bool Matches(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= FirstChunk && bytes.StartsWith("RIFF"u8) && bytes.Slice(8, 4).SequenceEqual("WEBP"u8);

    public static HeaderReading Read(ReadOnlySpan<byte> bytes)
    {
        var fourCc = bytes.Cut(FirstChunk, 4);
        var data = bytes.Cut(FirstChunk + 8, Math.Max(0, bytes.Length - FirstChunk - 8));
        var header = fourCc.SequenceEqual("VP8X"u8) ? ReadExtended(data) : ReadFrame(fourCc, data);
        string? damage = null;
        try
        {
            header = WalkChunks(bytes, header);
        }
        catch (ImageRejectedException e) when (e.Code == ErrorCodes.CorruptImage)
        {
            damage = e.Message;
        }

        return new HeaderReading(header, damage);
    }

    private static ImageHeader ReadExtended(ReadOnlySpan<byte> data)
    {
        var flags = data.U8(0);
        var width = data.U24Le(4) + 1;
        var height = data.U24Le(7) + 1;
        var color = (flags & AlphaFlag) != 0 ? ColorKind.Rgba : ColorKind.Rgb;
        return Header(width, height, color) with { IsAnimated = (flags & AnimationFlag) != 0 };
    }

    private static ImageHeader ReadFrame(ReadOnlySpan<byte> fourCc, ReadOnlySpan<byte> data)
    {
        if (fourCc.SequenceEqual("VP8 "u8))
        {
            // RFC 6386, section 9.1: a key frame has bit 0 clear, then the start code and two sizes of 14 bits.
            var isKeyFrame = (data.U8(0) & 1) == 0 && data.Cut(3, 3).SequenceEqual((ReadOnlySpan<byte>)[0x9D, 0x01, 0x2A]);
            var width = data.U16Le(6) & 0x3FFF;
            var height = data.U16Le(8) & 0x3FFF;
            return isKeyFrame && width > 0 && height > 0
                ? Header(width, height, ColorKind.Rgb)
                : throw ImageRejectedException.Corrupt("The WebP's frame header is damaged, or announces a picture without pixels.");
        }

        if (fourCc.SequenceEqual("VP8L"u8))
        {
            var bits = data.U32Le(1);
            if (data.U8(0) != 0x2F || bits >> 29 != 0)
            {
                throw ImageRejectedException.Corrupt("The WebP's lossless header is damaged.");
            }

            var hasAlpha = (bits & (1u << 28)) != 0;
            return Header((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1, hasAlpha ? ColorKind.Rgba : ColorKind.Rgb);
        }

        throw ImageRejectedException.Corrupt("The WebP does not start with a picture.");
    }

    private static ImageHeader Header(int width, int height, ColorKind color) =>
        new(ImageFormat.WebP, width, height, ExifOrientation.Upright, BitDepth: 8, color, IsAnimated: false);

    private static ImageHeader WalkChunks(ReadOnlySpan<byte> bytes, ImageHeader header)
    {
        var riffSize = bytes.U32Le(4);
        if (riffSize > bytes.Length - 8)
        {
            throw ImageRejectedException.Corrupt("The WebP is truncated: it is shorter than its header says.");
        }

        var riff = bytes[..((int)riffSize + 8)];
        var hasFrame = false;
        for (var position = FirstChunk; position <= riff.Length - 8;)
        {
            var size = riff.U32Le(position + 4);
            if (size > riff.Length - position - 8)
            {
                throw ImageRejectedException.Corrupt("The WebP is truncated: it ends inside a chunk.");
            }

            var fourCc = riff.Slice(position, 4);
            var data = riff.Slice(position + 8, (int)size);
            position += 8 + (int)size + (int)(size & 1);
            if (fourCc.SequenceEqual("EXIF"u8))
            {
                header = header with { Orientation = ExifOrientation.Read(data) };
            }
            else if (fourCc.SequenceEqual("VP8 "u8) || fourCc.SequenceEqual("VP8L"u8))
            {
                CheckFrame(ReadFrame(fourCc, data), header);
                hasFrame = true;
            }
            else
            {
                hasFrame |= fourCc.SequenceEqual("ANMF"u8);
            }
        }

        return hasFrame ? header : throw ImageRejectedException.Corrupt("The WebP has no picture data.");
    }

    private static void CheckFrame(ImageHeader frame, ImageHeader canvas)
    {
        if (frame.Width != canvas.Width || frame.Height != canvas.Height)
        {
            throw ImageRejectedException.Corrupt("The WebP's frame is not of the size that its header announces.");
        }
    }
}
