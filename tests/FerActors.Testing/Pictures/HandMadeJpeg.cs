namespace FerActors.Testing.Pictures;

/// <summary>A baseline JPEG of one 8 x 8 block a component, each of one even value: small enough to be written by hand.</summary>
public sealed class HandMadeJpeg
{
    private const int CodeBits = 4;

    private uint _bits;
    private int _count;
    private readonly List<byte> _scan = [];

    /// <summary>Encodes one value a component, 0 to 255.</summary>
    /// <param name="values">Stored samples; four of them are inks.</param>
    /// <param name="scans">How often the scan is repeated.</param>
    public static byte[] Encode(byte[] values, int scans = 1)
    {
        var coder = new HandMadeJpeg();
        foreach (var value in values)
        {
            coder.Block(value - 128);
        }

        coder.Flush();
        var n = (byte)values.Length;
        List<byte> jpeg = [0xFF, 0xD8];
        // With a step of 8, the constant coefficient is the sample itself.
        jpeg.AddRange([0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)8, 64)]);
        jpeg.AddRange([0xFF, 0xC0, 0, (byte)(8 + (3 * n)), 8, 0, 8, 0, 8, n]);
        for (byte i = 1; i <= n; i++)
        {
            jpeg.AddRange([i, 0x11, 0]);
        }

        // Nine size categories of four bits each; and, for the other coefficients, "end of block" as a single bit.
        jpeg.AddRange([0xFF, 0xC4, 0, 28, 0x00, 0, 0, 0, 9, .. new byte[12], 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        jpeg.AddRange([0xFF, 0xC4, 0, 20, 0x10, 1, .. new byte[15], 0]);
        for (var scan = 0; scan < scans; scan++)
        {
            jpeg.AddRange([0xFF, 0xDA, 0, (byte)(6 + (2 * n)), n]);
            for (byte i = 1; i <= n; i++)
            {
                jpeg.AddRange([i, 0]);
            }

            jpeg.AddRange([0, 63, 0, .. coder._scan]);
        }

        jpeg.AddRange([0xFF, 0xD9]);
        return [.. jpeg];
    }

    private void Block(int value)
    {
        var size = value == 0 ? 0 : 32 - int.LeadingZeroCount(Math.Abs(value));
        Put((uint)size, CodeBits);
        Put((uint)(value < 0 ? value + (1 << size) - 1 : value), size);
        Put(0, 1);
    }

    private void Put(uint value, int length)
    {
        for (var i = length - 1; i >= 0; i--)
        {
            _bits = (_bits << 1) | ((value >> i) & 1);
            if (++_count == 8)
            {
                _scan.Add((byte)_bits);
                if ((byte)_bits == 0xFF)
                {
                    _scan.Add(0);
                }

                (_bits, _count) = (0, 0);
            }
        }
    }

    private void Flush()
    {
        while (_count != 0)
        {
            Put(1, 1);
        }
    }
}
