using FerActors.Shared.Protocol;

namespace FerActors.Vision.Imaging;

/// <summary>Reads a PNG's chunks (PNG specification, third edition) from start to end; pixel data is skipped, not decompressed.</summary>
internal static class PngHeader
{
    private const int ChunkOverhead = 12;

    private static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    public static bool Matches(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Signature);

    public static HeaderReading Read(ReadOnlySpan<byte> bytes)
    {
        var header = ReadIhdr(bytes);
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

    private static ImageHeader ReadIhdr(ReadOnlySpan<byte> bytes)
    {
        if (bytes.U32Be(8) != 13 || !bytes.Cut(12, 4).SequenceEqual("IHDR"u8))
        {
            throw ImageRejectedException.Corrupt("The PNG does not start with its header chunk.");
        }

        var width = bytes.U32Be(16);
        var height = bytes.U32Be(20);
        if (width is 0 or > int.MaxValue || height is 0 or > int.MaxValue)
        {
            throw ImageRejectedException.Corrupt("The PNG's header announces a picture without pixels, or of an impossible size.");
        }

        var depth = bytes.U8(24);
        var (color, isPossible) = bytes.U8(25) switch
        {
            0 => (ColorKind.Gray, depth is 1 or 2 or 4 or 8 or 16),
            2 => (ColorKind.Rgb, depth is 8 or 16),
            3 => (ColorKind.Palette, depth is 1 or 2 or 4 or 8),
            4 => (ColorKind.GrayAlpha, depth is 8 or 16),
            6 => (ColorKind.Rgba, depth is 8 or 16),
            _ => (default, false),
        };
        if (!isPossible || bytes.U8(26) != 0 || bytes.U8(27) != 0 || bytes.U8(28) > 1)
        {
            throw ImageRejectedException.Corrupt("The PNG's header has a combination of colour type and depth that does not exist.");
        }

        return new ImageHeader(ImageFormat.Png, (int)width, (int)height, ExifOrientation.Upright, depth, color, IsAnimated: false);
    }

    private static ImageHeader WalkChunks(ReadOnlySpan<byte> bytes, ImageHeader header)
    {
        var hasData = false;
        for (var position = Signature.Length; ;)
        {
            if (position > bytes.Length - ChunkOverhead)
            {
                throw ImageRejectedException.Corrupt("The PNG is truncated: its end chunk is missing.");
            }

            var length = bytes.U32Be(position);
            if (length > bytes.Length - position - ChunkOverhead)
            {
                throw ImageRejectedException.Corrupt("The PNG is truncated: it ends inside a chunk.");
            }

            var type = bytes.Slice(position + 4, 4);
            var data = bytes.Slice(position + 8, (int)length);
            position += (int)length + ChunkOverhead;
            if (type.SequenceEqual("IEND"u8))
            {
                return hasData ? header : throw ImageRejectedException.Corrupt("The PNG has no picture data.");
            }

            hasData |= type.SequenceEqual("IDAT"u8);
            header = Apply(header, type, data);
        }
    }

    private static ImageHeader Apply(ImageHeader header, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        if (type.SequenceEqual("acTL"u8))
        {
            return header with { IsAnimated = true };
        }

        if (type.SequenceEqual("eXIf"u8))
        {
            return header with { Orientation = ExifOrientation.Read(data) };
        }

        if (type.SequenceEqual("tRNS"u8))
        {
            return header with
            {
                Color = header.Color switch
                {
                    ColorKind.Palette => ColorKind.PaletteAlpha,
                    ColorKind.Gray => ColorKind.GrayAlpha,
                    ColorKind.Rgb => ColorKind.Rgba,
                    var color => color,
                },
            };
        }

        return header;
    }
}
