using System.Buffers.Binary;

namespace FerActors.Vision.Imaging;

/// <summary>Reads numbers of a header; past the end of the bytes, the picture is corrupt rather than the program wrong.</summary>
internal static class HeaderBytes
{
    public static ReadOnlySpan<byte> Cut(this ReadOnlySpan<byte> bytes, int offset, int length) =>
        offset < 0 || length < 0 || offset > bytes.Length - length
            ? throw ImageRejectedException.Corrupt("The file ends inside its header.")
            : bytes.Slice(offset, length);

    public static byte U8(this ReadOnlySpan<byte> bytes, int offset) => bytes.Cut(offset, 1)[0];

    public static int U16Be(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes.Cut(offset, 2));

    public static int U16Le(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.Cut(offset, 2));

    public static int U24Le(this ReadOnlySpan<byte> bytes, int offset)
    {
        var b = bytes.Cut(offset, 3);
        return b[0] | (b[1] << 8) | (b[2] << 16);
    }

    public static uint U32Be(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes.Cut(offset, 4));

    public static uint U32Le(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.Cut(offset, 4));

    public static int I32Le(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt32LittleEndian(bytes.Cut(offset, 4));
}
