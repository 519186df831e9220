using System.Buffers.Binary;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Testing.Pictures;

/// <summary>Makes encoded pictures, and edits their bytes.</summary>
public static class TestPictures
{
    static TestPictures() => OpenCvRuntime.EnsureLoaded();

    /// <summary>Red upper left, green upper right, blue lower left, white lower right: every orientation looks different.</summary>
    public static Mat Quadrants(int width = 48, int height = 32)
    {
        var picture = new Mat(height, width, MatType.CV_8UC3, Scalar.All(255));
        picture[new Rect(0, 0, width / 2, height / 2)].SetTo(new Scalar(0, 0, 255));
        picture[new Rect(width / 2, 0, width - (width / 2), height / 2)].SetTo(new Scalar(0, 255, 0));
        picture[new Rect(0, height / 2, width / 2, height - (height / 2))].SetTo(new Scalar(255, 0, 0));
        return picture;
    }

    public static byte[] Encode(string extension, Mat picture, params ImageEncodingParam[] parameters)
    {
        Cv2.ImEncode(extension, picture, out var bytes, parameters);
        return bytes;
    }

    public static byte[] Encode(string extension, int width = 48, int height = 32)
    {
        using var picture = Quadrants(width, height);
        return Encode(extension, picture);
    }

    /// <summary>The corner colours of a picture, clockwise from the upper left, as letters: R, G, B, W, or ? for anything else.</summary>
    public static string Corners(Mat bgr)
    {
        var (w, h) = (bgr.Width, bgr.Height);
        return string.Concat(Letter(bgr, w / 8, h / 8), Letter(bgr, w - 1 - (w / 8), h / 8), Letter(bgr, w - 1 - (w / 8), h - 1 - (h / 8)), Letter(bgr, w / 8, h - 1 - (h / 8)));
    }

    /// <summary>An EXIF block whose first directory has the one entry given.</summary>
    public static byte[] Exif(int orientation, bool little = true, bool prefix = true, ushort type = 3)
    {
        var tiff = new byte[26];
        (little ? "II*\0"u8 : "MM\0*"u8).CopyTo(tiff);
        U32(tiff.AsSpan(4), 8, little);
        U16(tiff.AsSpan(8), 1, little);
        U16(tiff.AsSpan(10), 0x0112, little);
        U16(tiff.AsSpan(12), type, little);
        U32(tiff.AsSpan(14), 1, little);
        U16(tiff.AsSpan(18), (ushort)orientation, little);
        return prefix ? [.. "Exif\0\0"u8, .. tiff] : tiff;
    }

    /// <summary>Puts a segment right after a JPEG's start marker.</summary>
    public static byte[] WithSegment(byte[] jpeg, byte marker, ReadOnlySpan<byte> data)
    {
        var length = data.Length + 2;
        return [.. jpeg.AsSpan(0, 2), 0xFF, marker, (byte)(length >> 8), (byte)length, .. data, .. jpeg.AsSpan(2)];
    }

    /// <summary>Puts a chunk right after a PNG's header chunk.</summary>
    public static byte[] WithChunk(byte[] png, string type, ReadOnlySpan<byte> data)
    {
        const int afterIhdr = 33;
        return [.. png.AsSpan(0, afterIhdr), .. PngChunk(type, data), .. png.AsSpan(afterIhdr)];
    }

    public static byte[] PngChunk(string type, ReadOnlySpan<byte> data)
    {
        var chunk = new byte[data.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        System.Text.Encoding.ASCII.GetBytes(type).CopyTo(chunk, 4);
        data.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc32(chunk.AsSpan(4, data.Length + 4)));
        return chunk;
    }

    /// <summary>A PNG header chunk after the signature, and nothing else.</summary>
    public static byte[] PngHeaderOnly(int width, int height, byte depth = 8, byte color = 2)
    {
        var ihdr = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(ihdr, width);
        BinaryPrimitives.WriteInt32BigEndian(ihdr.AsSpan(4), height);
        (ihdr[8], ihdr[9]) = (depth, color);
        return [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. PngChunk("IHDR", ihdr)];
    }

    /// <summary>Wraps the frame chunk of a plain WebP into an extended one, with the canvas and flags given.</summary>
    public static byte[] ExtendedWebP(byte[] webp, int width, int height, byte flags, params (string Type, byte[] Data)[] extra)
    {
        var canvas = new byte[10];
        canvas[0] = flags;
        U24(canvas.AsSpan(4), width - 1);
        U24(canvas.AsSpan(7), height - 1);
        List<byte> body = [.. "WEBP"u8, .. RiffChunk("VP8X", canvas), .. webp.AsSpan(12)];
        foreach (var (type, data) in extra)
        {
            body.AddRange(RiffChunk(type, data));
        }

        return Riff([.. body]);
    }

    public static byte[] Riff(byte[] body)
    {
        var size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, body.Length);
        return [.. "RIFF"u8, .. size, .. body];
    }

    public static byte[] RiffChunk(string type, byte[] data)
    {
        var size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, data.Length);
        byte[] pad = data.Length % 2 == 1 ? [0] : [];
        return [.. System.Text.Encoding.ASCII.GetBytes(type), .. size, .. data, .. pad];
    }

    /// <summary>A bitmap of 24 bits with an info header of 40 bytes; the pixels are zero.</summary>
    public static byte[] Bmp(int width, int height, short bits = 24, int compression = 0, int? dataBytes = null, short planes = 1)
    {
        var stride = ((width * bits) + 31) / 32 * 4;
        var bmp = new byte[54 + (dataBytes ?? (stride * Math.Abs(height)))];
        "BM"u8.CopyTo(bmp);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(bmp.AsSpan(26), planes);
        BinaryPrimitives.WriteInt16LittleEndian(bmp.AsSpan(28), bits);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(30), compression);
        return bmp;
    }

    private static char Letter(Mat bgr, int x, int y)
    {
        var p = bgr.At<Vec3b>(y, x);
        return (p.Item2 > 160, p.Item1 > 160, p.Item0 > 160) switch
        {
            (true, true, true) => 'W',
            (true, false, false) => 'R',
            (false, true, false) => 'G',
            (false, false, true) => 'B',
            _ => '?',
        };
    }

    private static uint Crc32(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }

    private static void U16(Span<byte> at, ushort value, bool little)
    {
        if (little)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(at, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(at, value);
        }
    }

    private static void U32(Span<byte> at, uint value, bool little)
    {
        if (little)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(at, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(at, value);
        }
    }

    private static void U24(Span<byte> at, int value) => (at[0], at[1], at[2]) = ((byte)value, (byte)(value >> 8), (byte)(value >> 16));
}
