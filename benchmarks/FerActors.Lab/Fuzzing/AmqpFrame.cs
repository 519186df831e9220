using System.Buffers.Binary;
using System.Text;

namespace FerActors.Lab.Fuzzing;

/// <summary>One frame of AMQP 0-9-1, as bytes: what stands on the wire, whether or not it makes sense.</summary>
/// <param name="Type">1 is a method, 2 a content header, 3 a body, 8 a heartbeat.</param>
/// <param name="Channel">The channel's number.</param>
/// <param name="Payload">What is between the head and the end mark.</param>
internal sealed record AmqpFrame(byte Type, ushort Channel, byte[] Payload)
{
    public const byte Method = 1;
    public const byte Header = 2;
    public const byte Body = 3;

    private const byte End = 0xCE;
    private const int HeadLength = 7;
    private const int MostBytes = 1 << 20;

    /// <summary>Class and method of a method frame, as 16 bits each.</summary>
    public uint Name => Payload.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(Payload) : 0;

    public byte[] ToBytes()
    {
        var bytes = new byte[HeadLength + Payload.Length + 1];
        bytes[0] = Type;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(1), Channel);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(3), Payload.Length);
        Payload.CopyTo(bytes, HeadLength);
        bytes[^1] = End;
        return bytes;
    }

    /// <summary>The next frame.</summary>
    /// <exception cref="EndOfStreamException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    public static async Task<AmqpFrame> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        var head = new byte[HeadLength];
        await stream.ReadExactlyAsync(head, cancellation).ConfigureAwait(false);
        var length = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(3));
        if (length > MostBytes)
        {
            throw new InvalidDataException($"A frame of {length} bytes.");
        }

        var rest = new byte[length + 1];
        await stream.ReadExactlyAsync(rest, cancellation).ConfigureAwait(false);
        return new AmqpFrame(head[0], BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(1)), rest[..^1]);
    }

    /// <summary>A message as the broker delivers it: a method, a content header, a body.</summary>
    public static byte[] Delivery(ushort channel, string consumerTag, ulong tag, byte[] contentHeader, byte[] body) =>
    [
        .. new AmqpFrame(Method, channel, new AmqpWriter().Name(60, 60).Short(consumerTag).U64(tag).U8(0).Short("").Short("q").ToArray()).ToBytes(),
        .. new AmqpFrame(Header, channel, contentHeader).ToBytes(),
        .. new AmqpFrame(Body, channel, body).ToBytes(),
    ];

    /// <summary>Where the flags and the properties begin in a content header: behind class, weight and the body's length.</summary>
    public const int PropertiesAt = 12;

    /// <summary>A content header.</summary>
    /// <param name="bodyLength">Bytes of the body.</param>
    /// <param name="headers">The encoded entries of the headers' table; absent where there is none.</param>
    /// <param name="messageId">The message id; absent where there is none.</param>
    /// <param name="replyTo">The queue for the answer; absent where there is none.</param>
    public static byte[] ContentHeader(int bodyLength, byte[]? headers = null, byte[]? messageId = null, string? replyTo = null)
    {
        var flags = (headers is null ? 0 : 1 << 13) | (1 << 12) | (replyTo is null ? 0 : 1 << 9) | (messageId is null ? 0 : 1 << 7);
        var writer = new AmqpWriter().U16(60).U16(0).U64((ulong)bodyLength).U16((ushort)flags);
        if (headers is not null)
        {
            writer.U32((uint)headers.Length).Raw(headers);
        }

        writer.U8(2);
        if (replyTo is not null)
        {
            writer.Short(replyTo);
        }

        return messageId is null ? writer.ToArray() : writer.U8((byte)messageId.Length).Raw(messageId).ToArray();
    }
}

/// <summary>Writes the values that AMQP knows.</summary>
internal sealed class AmqpWriter
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public AmqpWriter Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public AmqpWriter U8(byte value) => Raw(value);

    public AmqpWriter U16(ushort value) => Raw((byte)(value >> 8), (byte)value);

    public AmqpWriter U32(uint value) => U16((ushort)(value >> 16)).U16((ushort)value);

    public AmqpWriter U64(ulong value) => U32((uint)(value >> 32)).U32((uint)value);

    public AmqpWriter Short(string text) => U8((byte)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

    public AmqpWriter Long(string text) => U32((uint)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

    /// <summary>The class and method that a method frame begins with.</summary>
    public AmqpWriter Name(ushort type, ushort method) => U16(type).U16(method);
}
