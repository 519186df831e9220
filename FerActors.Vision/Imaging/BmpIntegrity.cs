using System.Buffers.Binary;

namespace FerActors.Vision.Imaging;

/// <summary>Counts the pixels of a run-length-coded BMP; of others the length of the file says whether they are whole.</summary>
internal static class BmpIntegrity
{
    private const int InfoHeaderEnd = 54;
    private const int RunLength8 = 1;
    private const int RunLength4 = 2;
    private const int EndOfRow = 0;
    private const int EndOfBitmap = 1;
    private const int Move = 2;

    private const string Truncated = "is truncated: its picture data end too early";

    /// <returns>As <see cref="PictureIntegrity.FindDamage"/>.</returns>
    public static string? FindDamage(ReadOnlySpan<byte> file)
    {
        var compression = file.Length < InfoHeaderEnd ? 0 : BinaryPrimitives.ReadInt32LittleEndian(file[30..]);
        if (compression is not (RunLength8 or RunLength4))
        {
            return null;
        }

        var start = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        if (start > file.Length)
        {
            return Truncated;
        }

        long width = BinaryPrimitives.ReadInt32LittleEndian(file[18..]);
        var height = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(file[22..]));
        return CountPixels(file[(int)start..], compression == RunLength4) < width * height ? Truncated : null;
    }

    // Pixels that a move leaves out count as missing: what a reader shows there is its own choice.
    private static long CountPixels(ReadOnlySpan<byte> data, bool isHalfBytes)
    {
        long pixels = 0;
        while (data.Length >= 2)
        {
            var (count, code) = (data[0], data[1]);
            data = data[2..];
            if (count > 0)
            {
                pixels += count;
                continue;
            }

            if (code is EndOfBitmap)
            {
                break;
            }

            if (code is EndOfRow)
            {
                continue;
            }

            // As many bytes as the pixels that follow one by one take, filled up to a word; or how far to move.
            var bytes = code is Move ? 2 : ((isHalfBytes ? (code + 1) / 2 : code) + 1) & ~1;
            pixels += code is Move ? 0 : code;
            data = data[Math.Min(bytes, data.Length)..];
        }

        return pixels;
    }
}
