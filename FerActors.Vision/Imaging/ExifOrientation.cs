using System.Buffers.Binary;

namespace FerActors.Vision.Imaging;

/// <summary>Finds the orientation tag in an EXIF block (EXIF 2.32, tag 0x0112 of the first TIFF directory).</summary>
internal static class ExifOrientation
{
    /// <summary>The picture is stored upright.</summary>
    public const int Upright = 1;

    private const int OrientationTag = 0x0112;
    private const int ShortType = 3;

    private static ReadOnlySpan<byte> Prefix => "Exif\0\0"u8;

    /// <summary>Whether a block starts with the marker that JPEG puts before EXIF's TIFF header.</summary>
    public static bool HasPrefix(ReadOnlySpan<byte> block) => block.StartsWith(Prefix);

    /// <summary>Reads the orientation; EXIF is decoration, so damage in it never costs the picture.</summary>
    /// <param name="block">From the TIFF header on, with or without the <c>Exif\0\0</c> marker before it.</param>
    /// <returns>1 to 8; 1 where there is none or it makes no sense.</returns>
    public static int Read(ReadOnlySpan<byte> block)
    {
        var tiff = HasPrefix(block) ? block[Prefix.Length..] : block;
        if (tiff.Length < 8)
        {
            return Upright;
        }

        bool little;
        if (tiff.StartsWith("II*\0"u8))
        {
            little = true;
        }
        else if (tiff.StartsWith("MM\0*"u8))
        {
            little = false;
        }
        else
        {
            return Upright;
        }

        var directory = U32(tiff[4..], little);
        if (directory > (uint)tiff.Length - 2)
        {
            return Upright;
        }

        var rest = tiff[(int)directory..];
        var entries = U16(rest, little);
        rest = rest[2..];
        for (var i = 0; i < entries && rest.Length >= 12; i++, rest = rest[12..])
        {
            if (U16(rest, little) != OrientationTag)
            {
                continue;
            }

            var value = U16(rest[8..], little);
            var isOneShort = U16(rest[2..], little) == ShortType && U32(rest[4..], little) == 1;
            return isOneShort && value is >= 1 and <= 8 ? value : Upright;
        }

        return Upright;
    }

    private static int U16(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private static uint U32(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
