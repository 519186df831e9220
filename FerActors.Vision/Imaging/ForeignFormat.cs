namespace FerActors.Vision.Imaging;

/// <summary>Recognises formats that are not accepted, so that the refusal can name them.</summary>
internal static class ForeignFormat
{
    /// <summary>How much of a text is looked at for an SVG's or HTML's root element.</summary>
    private const int TextWindow = 1024;

    /// <returns>A name for a person, for example <c>a GIF</c>; <c>no image format that is known</c> where nothing fits.</returns>
    public static string Describe(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("GIF8"u8))
        {
            return "a GIF";
        }

        if (bytes.StartsWith("II*\0"u8) || bytes.StartsWith("MM\0*"u8) || bytes.StartsWith("II+\0"u8) || bytes.StartsWith("MM\0+"u8))
        {
            return "a TIFF (or a camera's raw file)";
        }

        if (bytes.Length >= 12 && bytes.Slice(4, 4).SequenceEqual("ftyp"u8))
        {
            return DescribeIsoMedia(bytes.Slice(8, 4));
        }

        if (bytes.StartsWith("\0\0\0\fjP  "u8) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]))
        {
            return "a JPEG 2000";
        }

        if (bytes.StartsWith("\0\0\0\fJXL "u8) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]))
        {
            return "a JPEG XL";
        }

        return DescribeOther(bytes);
    }

    private static string DescribeIsoMedia(ReadOnlySpan<byte> brand)
    {
        if (brand.StartsWith("avi"u8))
        {
            return "an AVIF";
        }

        var isHeif = brand.StartsWith("hei"u8) || brand.StartsWith("hev"u8) || brand.SequenceEqual("mif1"u8) || brand.SequenceEqual("msf1"u8);
        return isHeif ? "a HEIC" : "a video (MP4 or QuickTime)";
    }

    private static string DescribeOther(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("%PDF"u8))
        {
            return "a PDF";
        }

        if (bytes.StartsWith("8BPS"u8))
        {
            return "a Photoshop document";
        }

        if (bytes.StartsWith("\0\0\u0001\0"u8))
        {
            return "an icon (ICO)";
        }

        if (bytes.StartsWith("PK\u0003\u0004"u8))
        {
            return "a ZIP archive";
        }

        if (bytes.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
        {
            return "gzip-compressed data";
        }

        return DescribeText(bytes);
    }

    private static string DescribeText(ReadOnlySpan<byte> bytes)
    {
        // A base64 body is the most frequent mistake of publishers that are used to JSON.
        if (bytes.StartsWith("/9j/"u8) || bytes.StartsWith("iVBORw0KGgo"u8) || bytes.StartsWith("UklGR"u8) || bytes.StartsWith("data:image"u8))
        {
            return "base64 text; send the encoded image's bytes themselves";
        }

        var window = bytes[..Math.Min(bytes.Length, TextWindow)];
        var text = window.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? window[3..] : window;
        text = text.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("<"u8))
        {
            return text.IndexOf("<svg"u8) >= 0 ? "an SVG" : "an XML or HTML text";
        }

        if (text.StartsWith("{"u8) || text.StartsWith("["u8))
        {
            return "a JSON text; send the encoded image's bytes themselves";
        }

        return text.IsEmpty || text.IndexOfAnyExceptInRange((byte)0x09, (byte)0x7E) < 0 ? "a text" : "no image format that is known";
    }
}
