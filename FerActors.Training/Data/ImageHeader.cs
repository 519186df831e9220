using System.Buffers.Binary;

namespace FerActors.Training.Data;

/// <summary>Reads width and height of a PNG or JPEG from its first bytes, so that a bomb is refused before it is decoded.</summary>
internal static class ImageHeader
{
    /// <returns>False where the bytes are neither a PNG nor a JPEG, or end before the size.</returns>
    public static bool TryReadSize(ReadOnlySpan<byte> file, out long width, out long height)
    {
        width = height = 0;
        return file.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
            ? TryReadPng(file, out width, out height)
            : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]) && TryReadJpeg(file, out width, out height);
    }

    private static bool TryReadPng(ReadOnlySpan<byte> file, out long width, out long height)
    {
        width = height = 0;
        if (file.Length < 24 || !file.Slice(12, 4).SequenceEqual("IHDR"u8))
        {
            return false;
        }

        width = BinaryPrimitives.ReadUInt32BigEndian(file[16..]);
        height = BinaryPrimitives.ReadUInt32BigEndian(file[20..]);
        return width > 0 && height > 0;
    }

    private static bool TryReadJpeg(ReadOnlySpan<byte> file, out long width, out long height)
    {
        width = height = 0;
        var at = 2;
        while (at + 4 <= file.Length && file[at] == 0xFF)
        {
            var marker = file[at + 1];
            if (marker == 0xFF)
            {
                // Fill bytes may stand before a marker.
                at++;
                continue;
            }

            if (marker is 0x01 or (>= 0xD0 and <= 0xD7))
            {
                at += 2;
                continue;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            // The frame headers: all of 0xC0 to 0xCF but the tables (C4, CC) and JPG (C8).
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                if (length < 8 || at + 9 > file.Length)
                {
                    return false;
                }

                height = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]);
                width = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]);
                return width > 0 && height > 0;
            }

            if (length < 2 || marker is 0xD9 or 0xDA)
            {
                return false;
            }

            at += 2 + length;
        }

        return false;
    }
}
