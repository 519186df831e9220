using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace FerActors.Training.Tracking;

/// <summary>
/// Writes TensorBoard's event files, which are TFRecord files of <c>Event</c> messages: length (u64), masked CRC-32C of the length,
/// message, masked CRC-32C of the message; numbers little endian.
/// </summary>
internal sealed class EventFileWriter : IDisposable
{
    private const string FileVersion = "brain.Event:2";

    private readonly FileStream _stream;

    /// <param name="path">The new file. TensorBoard wants <c>tfevents</c> in its name.</param>
    /// <param name="time">Stamped on the first record.</param>
    public EventFileWriter(string path, DateTimeOffset time)
    {
        _stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, 1 << 16);
        Write(new Event { WallTime = Seconds(time), FileVersion = FileVersion });
    }

    /// <summary>Seconds since 1970 with their fraction.</summary>
    public static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    public void Write(Event record)
    {
        var message = record.ToByteArray();
        Span<byte> head = stackalloc byte[sizeof(ulong) + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[sizeof(ulong)..], MaskedCrc(head[..sizeof(ulong)]));
        Span<byte> foot = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(foot, MaskedCrc(message));
        _stream.Write(head);
        _stream.Write(message);
        _stream.Write(foot);
    }

    public void Flush() => _stream.Flush();

    public void Dispose() => _stream.Dispose();

    /// <summary>CRC-32C (Castagnoli).</summary>
    internal static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }

    /// <summary>The format turns and shifts its CRCs, since a CRC of data that holds CRCs is weak.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes) => BitOperations.RotateRight(Crc32C(bytes), 15) + 0xA282EAD8;
}
