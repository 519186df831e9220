namespace FerActors.Vision.Imaging;

/// <summary>A Huffman table of a JPEG (ITU-T T.81, annex C), made for skipping through codes rather than for their values.</summary>
internal sealed class JpegHuffmanTable
{
    private const int LongestCode = 16;

    /// <summary>How many of the next bits <see cref="Steps"/> is looked up with.</summary>
    public const int FastBits = 10;

    /// <summary>The advance that ends a block: from any coefficient it leads to 128 or beyond.</summary>
    public const int EndOfBlock = 128;

    /// <summary>The advance of a symbol that a sequential block cannot have: from any coefficient it leads to between 65 and 127.</summary>
    private const int NoSuchStep = 64;

    /// <summary>By the next ten bits: the entry of the code that they start with; zero where the code is longer or none.</summary>
    private readonly uint[] _fast = new uint[1 << FastBits];

    /// <summary>As <see cref="_fast"/>, with what <see cref="FindStep"/> says; made on first use.</summary>
    private uint[]? _steps;

    private readonly byte[] _symbols;

    /// <summary>By a code's length: the first 16-bit prefix, from the left, that belongs to no code of this length or shorter.</summary>
    private readonly int[] _ends = new int[LongestCode + 1];

    /// <summary>By a code's length: what to add to a code for its symbol's place.</summary>
    private readonly int[] _places = new int[LongestCode + 1];

    private JpegHuffmanTable(byte[] symbols) => _symbols = symbols;

    /// <summary>The tables of annex K.3, which the frames of motion JPEG leave out.</summary>
    public static JpegHuffmanTable StandardDcLuminance { get; } = Create([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])!;

    public static JpegHuffmanTable StandardDcChrominance { get; } = Create([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])!;

    public static JpegHuffmanTable StandardAcLuminance { get; } = Create(
        [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D],
        Convert.FromHexString(
            "01020300041105122131410613516107227114328191A1082342B1C11552D1F02433627282090A161718191A25262728292A3435363738393A4344454647"
            + "48494A535455565758595A636465666768696A737475767778797A838485868788898A92939495969798999AA2A3A4A5A6A7A8A9AAB2B3B4B5B6B7B8B9BA"
            + "C2C3C4C5C6C7C8C9CAD2D3D4D5D6D7D8D9DAE1E2E3E4E5E6E7E8E9EAF1F2F3F4F5F6F7F8F9FA"))!;

    public static JpegHuffmanTable StandardAcChrominance { get; } = Create(
        [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
        Convert.FromHexString(
            "000102031104052131061241510761711322328108144291A1B1C109233352F0156272D10A162434E125F11718191A262728292A35363738393A43444546"
            + "4748494A535455565758595A636465666768696A737475767778797A82838485868788898A92939495969798999AA2A3A4A5A6A7A8A9AAB2B3B4B5B6B7B8"
            + "B9BAC2C3C4C5C6C7C8C9CAD2D3D4D5D6D7D8D9DAE2E3E4E5E6E7E8E9EAF2F3F4F5F6F7F8F9FA"))!;

    /// <summary>Builds a table.</summary>
    /// <param name="counts">How many codes there are of each length from 1 to 16.</param>
    /// <param name="symbols">The symbols in the order of their codes.</param>
    /// <returns><see langword="null"/> where the counts announce more codes than their lengths allow, or other than there are symbols.</returns>
    public static JpegHuffmanTable? Create(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        var table = new JpegHuffmanTable(symbols.ToArray());
        int code = 0, place = 0;
        for (var length = 1; length <= LongestCode; length++)
        {
            int count = counts[length - 1];
            if (place + count > symbols.Length || code + count > 1 << length)
            {
                return null;
            }

            table._places[length] = place - code;
            for (var i = 0; i < count && length <= FastBits; i++)
            {
                var first = (code + i) << (FastBits - length);
                table._fast.AsSpan(first, 1 << (FastBits - length)).Fill(Entry(length, symbols[place + i]));
            }

            code += count;
            place += count;
            table._ends[length] = code << (LongestCode - length);
            code <<= 1;
        }

        return place == symbols.Length ? table : null;
    }

    /// <summary>Whether each symbol is at most the one given.</summary>
    public bool HasNoSymbolAbove(int largest) => Array.TrueForAll(_symbols, symbol => symbol <= largest);

    /// <summary>Finds the code that the bits start with.</summary>
    /// <param name="bits">At least 16 bits of data, from the highest bit on.</param>
    /// <returns>Take it apart with <see cref="Length"/> and <see cref="Symbol"/>; zero where no code fits.</returns>
    public uint Find(ulong bits)
    {
        var entry = _fast[bits >> (64 - FastBits)];
        return entry != 0 ? entry : FindLong((int)(bits >> (64 - LongestCode)));
    }

    /// <summary>
    /// By the next ten bits, for the coefficients of a sequential block: the code's length with that of the value behind it (8 bits),
    /// how far the code leads in the block (8 bits), and how many bits the value has (8 bits). Zero as in <see cref="Find"/>.
    /// </summary>
    public ReadOnlySpan<uint> Steps() => _steps ??= Array.ConvertAll(_fast, Step);

    /// <summary>As <see cref="Steps"/>, for the codes that are longer.</summary>
    public uint FindStep(ulong bits) => Step(Find(bits));

    /// <summary>Bits of the code, 1 to 16.</summary>
    public static int Length(uint entry) => (int)(entry & 0xFF);

    /// <summary>The symbol of the code.</summary>
    public static int Symbol(uint entry) => (int)(entry >> 8);

    private static uint Step(uint entry)
    {
        if (entry == 0)
        {
            return 0;
        }

        var symbol = Symbol(entry);
        var (run, size) = (symbol >> 4, symbol & 15);
        var advance = (size, run) switch
        {
            (0, 0) => EndOfBlock,
            (0, 15) => 16,
            (0, _) => NoSuchStep,
            _ => run + 1,
        };
        return (uint)((Length(entry) + size) | (advance << 8) | (size << 16));
    }

    private static uint Entry(int length, byte symbol) => (uint)(length | (symbol << 8));

    private uint FindLong(int prefix)
    {
        for (var length = FastBits + 1; length <= LongestCode; length++)
        {
            if (prefix < _ends[length])
            {
                return Entry(length, _symbols[(prefix >> (LongestCode - length)) + _places[length]]);
            }
        }

        return 0;
    }
}
