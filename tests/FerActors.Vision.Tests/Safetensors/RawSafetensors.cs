using System.Buffers.Binary;
using System.Text;

namespace FerActors.Vision.Tests.Safetensors;

/// <summary>Builds files byte by byte, so that the reader is tested against the format and not against our own writer.</summary>
internal static class RawSafetensors
{
    public static byte[] File(string header, int dataBytes = 0) => File(Encoding.UTF8.GetBytes(header), new byte[dataBytes]);

    public static byte[] File(byte[] header, byte[] data) => File(header, data, (ulong)header.Length);

    public static byte[] File(byte[] header, byte[] data, ulong claimedLength)
    {
        var file = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimedLength);
        header.CopyTo(file, 8);
        data.CopyTo(file, 8 + header.Length);
        return file;
    }
}
