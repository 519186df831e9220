using System.Buffers.Binary;

namespace FerActors.Host.Http.OpenInference;

/// <summary>Writes pixels as an uncompressed 24-bit BMP, the one format of the queue contract that needs no encoder.</summary>
internal static class Bitmap
{
    private const int HeaderBytes = 54;
    private const int InfoBytes = 40;

    /// <summary>Bytes of the file; rows are padded to four.</summary>
    public static long Length(long height, long width) => HeaderBytes + (height * Stride(width));

    /// <summary>Encodes one picture.</summary>
    /// <param name="pixels">Height x width x channels, row by row from the top: gray, or red, green and blue.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="channels">1 or 3.</param>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int height, int width, int channels)
    {
        var stride = (int)Stride(width);
        var file = new byte[Length(height, width)];
        var span = file.AsSpan();
        "BM"u8.CopyTo(span);
        BinaryPrimitives.WriteInt32LittleEndian(span[2..], file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(span[10..], HeaderBytes);
        BinaryPrimitives.WriteInt32LittleEndian(span[14..], InfoBytes);
        BinaryPrimitives.WriteInt32LittleEndian(span[18..], width);
        BinaryPrimitives.WriteInt32LittleEndian(span[22..], height);
        BinaryPrimitives.WriteInt16LittleEndian(span[26..], 1);
        BinaryPrimitives.WriteInt16LittleEndian(span[28..], 24);
        BinaryPrimitives.WriteInt32LittleEndian(span[34..], file.Length - HeaderBytes);
        for (var y = 0; y < height; y++)
        {
            // A BMP begins with the lowest row, and with blue.
            var row = span.Slice(HeaderBytes + ((height - 1 - y) * stride), stride);
            for (var x = 0; x < width; x++)
            {
                var pixel = pixels.Slice(((y * width) + x) * channels, channels);
                row[3 * x] = pixel[channels - 1];
                row[(3 * x) + 1] = pixel[channels / 2];
                row[(3 * x) + 2] = pixel[0];
            }
        }

        return file;
    }

    private static long Stride(long width) => ((width * 3) + 3) / 4 * 4;
}
