using System.Buffers;

namespace FerActors.Vision.Imaging;

/// <summary>One colour component of a JPEG's frame, and how much of it has been seen.</summary>
internal sealed class JpegComponent(int id, int across, int down, int quantisation)
{
    /// <summary>No scan has brought this coefficient yet.</summary>
    public const int Unseen = -1;

    public int Id => id;

    /// <summary>Blocks of an interleaved scan's unit: across.</summary>
    public int Across => across;

    /// <summary>Blocks of an interleaved scan's unit: down.</summary>
    public int Down => down;

    /// <summary>Number of the quantisation table.</summary>
    public int Quantisation => quantisation;

    /// <summary>Blocks in a scan of this component alone.</summary>
    public int Blocks { get; set; }

    /// <summary>By coefficient, in zigzag order: the lowest bit that a scan has brought, or <see cref="Unseen"/>.</summary>
    public int[] LowestBit { get; } = [.. Enumerable.Repeat(Unseen, 64)];

    /// <summary>The last block's constant coefficient, from which the next one's differs.</summary>
    public int Prediction { get; set; }

    public JpegHuffmanTable Dc { get; set; } = JpegHuffmanTable.StandardDcLuminance;

    public JpegHuffmanTable Ac { get; set; } = JpegHuffmanTable.StandardAcLuminance;

    /// <summary>Most that the constant coefficient may be, either way.</summary>
    public int LargestDc { get; set; }

    /// <summary>
    /// By how many coefficients a block has with it: most bits that a coefficient's value may have. Minus one, which even none exceeds,
    /// where that is more than 64; and no bound from <see cref="JpegHuffmanTable.EndOfBlock"/> on.
    /// </summary>
    public sbyte[] LargestSize { get; } =
        [.. new sbyte[65], .. Enumerable.Repeat((sbyte)-1, JpegHuffmanTable.EndOfBlock - 65), .. Enumerable.Repeat(sbyte.MaxValue, 64)];

    /// <summary>By block: a bit for each coefficient that is not zero. Only a progressive file needs it; rented on first use.</summary>
    public ulong[]? NonZero { get; private set; }

    public bool IsComplete => Array.TrueForAll(LowestBit, bit => bit == 0);

    public ulong[] RentNonZero()
    {
        if (NonZero is null)
        {
            NonZero = ArrayPool<ulong>.Shared.Rent(Blocks);
            Array.Clear(NonZero, 0, Blocks);
        }

        return NonZero;
    }

    public void Return()
    {
        if (NonZero is { } rented)
        {
            ArrayPool<ulong>.Shared.Return(rented);
            NonZero = null;
        }
    }
}
