using System.Buffers;
using System.Buffers.Binary;

namespace FerActors.Vision.Imaging;

/// <summary>
/// The entropy-coded data of a JPEG's scans, one stretch between two markers at a time, freed of the zeros that stand behind FF bytes.
/// Reading past a stretch's end gives zeros; <see cref="IsOverrun"/> tells.
/// </summary>
internal ref struct JpegScanData
{
    /// <summary>No marker follows: the file ends with the data.</summary>
    public const int EndOfFile = -1;

    /// <summary>A block has at most 64 codes of 16 bits, each with 15 more: 248 bytes. A look ahead takes eight more.</summary>
    private const int Slack = 64 * 31 / 8 + 16;

    private readonly ReadOnlySpan<byte> _file;
    private readonly byte[] _rented;
    private int _length;

    /// <param name="file">The whole file.</param>
    public JpegScanData(ReadOnlySpan<byte> file)
    {
        _file = file;
        _rented = ArrayPool<byte>.Shared.Rent(file.Length + Slack);
    }

    /// <summary>The next bit of the stretch to be read.</summary>
    public int Position { get; set; }

    /// <summary>More bits were read than the stretch has.</summary>
    public readonly bool IsOverrun => Position > _length * 8;

    /// <summary>
    /// Nothing but padding is left: the rest of a byte, and whole bytes that are all zero or all FF, with which some cameras fill up to
    /// a word.
    /// </summary>
    public readonly bool IsSpent
    {
        get
        {
            var rest = _rented.AsSpan(0, _length)[Math.Min(_length, (Position + 7) / 8)..];
            return !rest.ContainsAnyExcept((byte)0) || !rest.ContainsAnyExcept((byte)0xFF);
        }
    }

    /// <summary>Bits of the stretch.</summary>
    public readonly int Bits => _length * 8;

    /// <summary>The stretch, and behind it as many zeros as a block could read.</summary>
    public readonly ReadOnlySpan<byte> Bytes => _rented;

    /// <summary>The next 57 bits or more, from the highest bit on.</summary>
    public readonly ulong Peek() => BinaryPrimitives.ReadUInt64BigEndian(_rented.AsSpan(Position >> 3)) << (Position & 7);

    /// <summary>Reads the next stretch.</summary>
    /// <param name="offset">Where in the file it starts; afterwards where its marker starts, or the file's end.</param>
    /// <returns>The marker that ends it, without its FF; <see cref="EndOfFile"/> where there is none.</returns>
    public int ReadStretch(ref int offset)
    {
        _length = 0;
        Position = 0;
        var marker = CopyUnstuffed(ref offset);
        _rented.AsSpan(_length, Slack).Clear();
        return marker;
    }

    public readonly void Return() => ArrayPool<byte>.Shared.Return(_rented);

    private int CopyUnstuffed(ref int offset)
    {
        while (true)
        {
            var rest = _file[offset..];
            var plain = rest.IndexOf((byte)0xFF);
            plain = plain < 0 ? rest.Length : plain;
            rest[..plain].CopyTo(_rented.AsSpan(_length));
            _length += plain;
            offset += plain;
            // As many FF as there are before a marker, or before a zero, are one.
            var next = offset + 1;
            while (next < _file.Length && _file[next] == 0xFF)
            {
                next++;
            }

            if (next >= _file.Length)
            {
                offset = _file.Length;
                return EndOfFile;
            }

            if (_file[next] != 0)
            {
                offset = next - 1;
                return _file[next];
            }

            _rented[_length++] = 0xFF;
            offset = next + 1;
        }
    }
}
