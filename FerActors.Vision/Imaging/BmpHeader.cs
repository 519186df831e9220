namespace FerActors.Vision.Imaging;

/// <summary>Reads a Windows bitmap's header: the core header of OS/2 and the info headers from 40 bytes on.</summary>
internal static class BmpHeader
{
    private const int FileHeader = 14;
    private const int CoreHeader = 12;
    private const int InfoHeader = 40;
    private const int LargestHeader = 124;
    private const int Uncompressed = 0;
    private const int RunLength8 = 1;
    private const int RunLength4 = 2;
    private const int BitFields = 3;

    public static bool Matches(ReadOnlySpan<byte> bytes) => bytes.StartsWith("BM"u8);

    public static HeaderReading Read(ReadOnlySpan<byte> bytes)
    {
        var size = bytes.U32Le(FileHeader);
        if (size != CoreHeader && size is < InfoHeader or > LargestHeader)
        {
            throw ImageRejectedException.Unsupported("The body starts like a BMP, but has none of its known headers.");
        }

        int width, height, planes, bits, compression;
        if (size == CoreHeader)
        {
            (width, height) = (bytes.U16Le(18), bytes.U16Le(20));
            (planes, bits, compression) = (bytes.U16Le(22), bytes.U16Le(24), Uncompressed);
        }
        else
        {
            (width, height) = (bytes.I32Le(18), bytes.I32Le(22));
            (planes, bits, compression) = (bytes.U16Le(26), bytes.U16Le(28), bytes.I32Le(30));
        }

        // A negative height is a picture stored from the top row on; the smallest number has no positive counterpart.
        if (width <= 0 || height is 0 or int.MinValue || planes != 1)
        {
            throw ImageRejectedException.Corrupt("The BMP's header announces a picture without pixels, or of an impossible size.");
        }

        height = Math.Abs(height);
        var (color, depth) = Samples(bits, compression);
        var header = new ImageHeader(ImageFormat.Bmp, width, height, ExifOrientation.Upright, depth, color, IsAnimated: false);
        return new HeaderReading(header, FindDamage(bytes, header, bits, compression));
    }

    private static (ColorKind Color, int Depth) Samples(int bits, int compression) => (bits, compression) switch
    {
        (1 or 4 or 8, Uncompressed) or (8, RunLength8) or (4, RunLength4) => (ColorKind.Palette, bits),
        (16, Uncompressed or BitFields) => (ColorKind.Rgb, 5),
        // The fourth byte of a 32-bit BMP is padding in nearly all of them, often zero: taken as alpha it would hide the picture.
        (24, Uncompressed) or (32, Uncompressed or BitFields) => (ColorKind.Rgb, 8),
        _ => throw ImageRejectedException.Unsupported($"The BMP has {bits} bits a pixel in compression {compression}, which is not accepted."),
    };

    private static string? FindDamage(ReadOnlySpan<byte> bytes, ImageHeader header, int bits, int compression)
    {
        var offset = bytes.U32Le(10);
        if (offset < FileHeader + CoreHeader || offset > (uint)bytes.Length)
        {
            return "The BMP's pixel data lie outside the file.";
        }

        if (compression is RunLength4 or RunLength8)
        {
            return null;
        }

        var stride = (((long)header.Width * bits) + 31) / 32 * 4;
        return stride > (bytes.Length - offset) / header.Height ? "The BMP is truncated: it is shorter than its header says." : null;
    }
}
