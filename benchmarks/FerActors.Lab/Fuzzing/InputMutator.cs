using System.Buffers.Binary;
using System.Text;

namespace FerActors.Lab.Fuzzing;

/// <summary>
/// Makes damaged inputs of good ones. The input of a number is a function of the seed, the number and the good ones alone, so that a
/// process that died on it need not tell what it was.
/// </summary>
internal static class InputMutator
{
    /// <summary>Longest input, in bytes.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MaxChanges = 8;
    private const int MaxInserted = 64;

    // What length fields, counters and dimensions go wrong with.
    private static readonly long[] Numbers = [0, 1, -1, 127, 128, 255, 256, 32_767, 65_535, 65_536, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue];

    private static readonly byte[][] Tokens =
    [
        .. new[]
        {
            "0", "-1", "1e999", "-0", "NaN", "Infinity", "99999999999999999999", "0.0000001", "null", "true", "{}", "[]", "\"\"", "\"", "{", "}", "[", "]",
            ",", ":", "\n", "\r\n", "\0", "\t", "- ", "&a ", "*a", "!!x ", "%s", "../", "\u2028", "\uFEFF", "é", "😀", "--", "\\u0000", "\\uD800",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF],
        [0xC0, 0x80],
        [0xFF, 0xD8],
        [0xFF, 0xD9],
    ];

    /// <summary>The input of this number.</summary>
    public static byte[] Input(IReadOnlyList<byte[]> seeds, int seed, int number)
    {
        var random = new Random(HashCode(seed, number));
        var bytes = new List<byte>(seeds[random.Next(seeds.Count)]);
        for (var i = 1 + random.Next(MaxChanges); i > 0; i--)
        {
            Change(bytes, seeds, random);
        }

        return [.. bytes.Take(MaxBytes)];
    }

    private static void Change(List<byte> bytes, IReadOnlyList<byte[]> seeds, Random random)
    {
        var at = random.Next(bytes.Count + 1);
        var rest = bytes.Count - at;
        switch (random.Next(10))
        {
            case 0 when rest > 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when rest > 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                Overwrite(bytes, at, Number(random));
                break;
            case 3:
                bytes.RemoveRange(at, random.Next(Math.Min(rest, MaxInserted) + 1));
                break;
            case 4 when random.Next(4) == 0:
                bytes.RemoveRange(at, rest);
                break;
            case 5:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, random.Next(Math.Min(rest, 1024) + 1)));
                break;
            case 6:
                var noise = new byte[random.Next(MaxInserted)];
                random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
            case 7:
                bytes.InsertRange(at, Tokens[random.Next(Tokens.Length)]);
                break;
            case 8:
                Replace(bytes, at, Tokens[random.Next(Tokens.Length)]);
                break;
            default:
                var other = seeds[random.Next(seeds.Count)];
                var from = random.Next(other.Length + 1);
                Replace(bytes, at, other.AsSpan(from, random.Next(Math.Min(other.Length - from, 1024) + 1)).ToArray());
                break;
        }
    }

    private static byte[] Number(Random random)
    {
        var bytes = new byte[8];
        var number = Numbers[random.Next(Numbers.Length)];
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            return bytes[..(1 << random.Next(4))];
        }

        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        return bytes[^(1 << random.Next(4))..];
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] with)
    {
        for (var i = 0; i < with.Length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = with[i];
        }
    }

    private static void Replace(List<byte> bytes, int at, byte[] with)
    {
        bytes.RemoveRange(at, Math.Min(with.Length, bytes.Count - at));
        bytes.InsertRange(at, with);
    }

    // System.HashCode differs from process to process.
    private static int HashCode(int seed, int number)
    {
        var mixed = ((ulong)(uint)seed << 32 | (uint)number) * 0x9E37_79B9_7F4A_7C15;
        return (int)((mixed ^ (mixed >> 29)) >> 13 & int.MaxValue);
    }
}
