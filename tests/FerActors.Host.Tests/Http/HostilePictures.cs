using System.Buffers.Binary;

namespace FerActors.Host.Tests.Http;

/// <summary>Bodies that an attacker would send.</summary>
internal static class HostilePictures
{
    /// <summary>A PNG of 33 bytes whose header announces 900 million pixels.</summary>
    public static byte[] Bomb()
    {
        var png = new byte[33];
        ((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]).CopyTo(png);
        "IHDR"u8.CopyTo(png.AsSpan(12));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 30_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 30_000);
        png[24] = 8;
        png[25] = 2;
        return png;
    }
}
