using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FerActors.Inference.Serving;

/// <summary>
/// A fixed lot for each name, evenly spread over 0 to 1 (1 excluded): the same message gets the same one on every node and at
/// every delivery, so a share of the traffic is always the same messages, and a larger share includes the smaller one.
/// </summary>
public static class MessageDraw
{
    /// <param name="messageId">The message's id.</param>
    public static double Of(string messageId)
    {
        ArgumentNullException.ThrowIfNull(messageId);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(messageId), digest);

        // 53 bits: as many as a double holds.
        return (BinaryPrimitives.ReadUInt64BigEndian(digest) >> 11) * Math.Pow(2, -53);
    }
}
