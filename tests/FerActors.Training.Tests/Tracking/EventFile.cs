using System.Buffers.Binary;
using Google.Protobuf;
using Tensorboard;

namespace FerActors.Training.Tests.Tracking;

/// <summary>Reads event files as the format's description has it, sharing nothing with the writer.</summary>
internal static class EventFile
{
    public static List<Event> Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var events = new List<Event>();
        var at = 0;
        while (at < bytes.Length)
        {
            var head = bytes.AsSpan(at, 8);
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(head);
            Assert.Equal(Masked(head), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            var message = bytes.AsSpan(at + 12, length);
            Assert.Equal(Masked(message), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));

            // By a stream: the classes were generated before protobuf parsed spans.
            events.Add(Event.Parser.ParseFrom(new CodedInputStream(message.ToArray())));
            at += 16 + length;
        }

        return events;
    }

    public static string Only(string folder) => Assert.Single(Directory.GetFiles(folder, "events.out.tfevents.*"));

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        // Bit by bit, with Castagnoli's polynomial turned round.
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        crc = ~crc;
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8);
    }
}
