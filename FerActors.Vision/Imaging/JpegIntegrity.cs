using System.Buffers.Binary;
using System.Numerics;

namespace FerActors.Vision.Imaging;

/// <summary>
/// Reads a Huffman-coded JPEG (ITU-T T.81; baseline, extended and progressive, 8 bits a sample) code by code, and counts its blocks:
/// the picture is whole when every scan has exactly the blocks that its frame announces, each of codes that exist, of 64 coefficients
/// at most and within their range, and when the scans together bring every coefficient to its last bit.
/// </summary>
/// <remarks>
/// No sample is computed, so that this costs a fraction of decoding. Damage that leaves as many blocks as before, all of them valid,
/// is a different picture and not a damaged file: no reader can tell.
/// </remarks>
internal ref struct JpegIntegrity
{
    private const int EndOfImage = 0xD9;
    private const int FirstRestart = 0xD0;
    private const int LastRestart = 0xD7;
    private const int MaxBlocksOfUnit = 10;

    /// <summary>
    /// No coefficient of a picture of 8-bit samples can exceed 1024 after it is multiplied by its quantisation step. Twice as much is
    /// let pass, for encoders that overshoot on purpose.
    /// </summary>
    private const int LargestCoefficient = 2048;

    /// <summary>
    /// Real encoders write ten to twenty. A scan costs a decoder a pass over the whole picture, however few bytes it takes.
    /// </summary>
    private const int MaxScans = 64;

    /// <summary>Positions are counted in bits.</summary>
    private const int LargestFile = int.MaxValue / 16;

    private const string Truncated = "is truncated: its picture data end too early";
    private const string BadCode = "is damaged: its picture data hold a code that does not exist";
    private const string BadBlock = "is damaged: a block of its picture data has more than 64 coefficients, or one out of range";
    private const string BadEnd = "is damaged: its picture data go on after their last block";
    private const string BadRestart = "is damaged: a restart marker is missing or out of order";
    private const string BadTable = "is damaged: one of its tables makes no sense";
    private const string BadFrame = "is damaged: its frame header makes no sense";
    private const string BadScan = "is damaged: a scan header makes no sense";
    private const string BadOrder = "is damaged: its scans repeat, or stand in an impossible order";
    private const string Incomplete = "is incomplete: the scans that would complete it are missing";

    private readonly ReadOnlySpan<byte> _file;
    private readonly JpegHuffmanTable?[] _dcTables = new JpegHuffmanTable?[4];
    private readonly JpegHuffmanTable?[] _acTables = new JpegHuffmanTable?[4];
    private readonly ushort[]?[] _steps = new ushort[]?[4];
    private JpegScanData _data;
    private int _offset = 2;
    private JpegComponent[] _components = [];
    private bool _isProgressive;
    private int _width;
    private int _height;
    private int _widest = 1;
    private int _highest = 1;
    private int _restartInterval;
    private int _endOfBandRun;
    private int _scans;

    private JpegIntegrity(ReadOnlySpan<byte> file)
    {
        _file = file;
        _data = new JpegScanData(file);
    }

    /// <summary>Looks for damage.</summary>
    /// <param name="file">A JPEG from its start-of-image marker on.</param>
    /// <returns>What is wrong, as the rest of a sentence whose subject is the file; <see langword="null"/> where the picture is whole.</returns>
    public static string? FindDamage(ReadOnlySpan<byte> file)
    {
        if (file.Length > LargestFile)
        {
            return $"has {file.Length} bytes; accepted are at most {LargestFile}";
        }

        var walk = new JpegIntegrity(file);
        try
        {
            return walk.Walk();
        }
        finally
        {
            walk._data.Return();
            foreach (var component in walk._components)
            {
                component.Return();
            }
        }
    }

    private string? Walk()
    {
        while (true)
        {
            var marker = NextMarker();
            if (marker is EndOfImage or JpegScanData.EndOfFile)
            {
                // A file that ends with its last block lacks the end marker and nothing else: small cameras leave it out.
                return End();
            }

            if (marker is 0x01 or (>= FirstRestart and <= LastRestart))
            {
                continue;
            }

            if (_offset + 2 > _file.Length)
            {
                return Truncated;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(_file[_offset..]);
            if (length < 2 || length > _file.Length - _offset)
            {
                return Truncated;
            }

            var segment = _file.Slice(_offset + 2, length - 2);
            _offset += length;
            if (Read(marker, segment) is { } damage)
            {
                return damage;
            }
        }
    }

    private readonly string? End()
    {
        if (_components.Length == 0)
        {
            return "is truncated: it has no frame header";
        }

        if (Array.TrueForAll(_components, component => component.LowestBit[0] == JpegComponent.Unseen))
        {
            return "has no picture data";
        }

        return Array.TrueForAll(_components, component => component.IsComplete) ? null : Incomplete;
    }

    private int NextMarker()
    {
        while (true)
        {
            var found = _file[_offset..].IndexOf((byte)0xFF);
            if (found < 0)
            {
                return JpegScanData.EndOfFile;
            }

            _offset += found;
            while (_offset < _file.Length && _file[_offset] == 0xFF)
            {
                _offset++;
            }

            if (_offset >= _file.Length)
            {
                return JpegScanData.EndOfFile;
            }

            if (_file[_offset++] is not 0 and var marker)
            {
                return marker;
            }
        }
    }

    private string? Read(int marker, ReadOnlySpan<byte> segment)
    {
        switch (marker)
        {
            case 0xC0 or 0xC1 or 0xC2:
                _isProgressive = marker == 0xC2;
                return ReadFrame(segment);
            case 0xC4:
                return ReadHuffmanTables(segment);
            case 0xC3 or (>= 0xC5 and <= 0xCF):
                return "is lossless, hierarchical or arithmetic-coded; accepted are baseline and progressive ones of Huffman's code";
            case 0xD8:
                return "is damaged: it has a second start-of-image marker";
            case 0xDA:
                return ReadScan(segment);
            case 0xDB:
                return ReadQuantisationTables(segment);
            case 0xDD:
                if (segment.Length != 2)
                {
                    return BadTable;
                }

                _restartInterval = BinaryPrimitives.ReadUInt16BigEndian(segment);
                return null;
            default:
                return null;
        }
    }

    private string? ReadFrame(ReadOnlySpan<byte> segment)
    {
        if (_components.Length > 0 || segment.Length < 6 || segment[5] is 0 or > 4 || segment.Length < 6 + (3 * segment[5]))
        {
            return BadFrame;
        }

        if (segment[0] != 8)
        {
            return $"has {segment[0]} bits a sample; accepted are 8";
        }

        _height = BinaryPrimitives.ReadUInt16BigEndian(segment[1..]);
        _width = BinaryPrimitives.ReadUInt16BigEndian(segment[3..]);
        var components = new JpegComponent[segment[5]];
        for (var i = 0; i < components.Length; i++)
        {
            var entry = segment.Slice(6 + (3 * i), 3);
            var component = new JpegComponent(entry[0], entry[1] >> 4, entry[1] & 15, entry[2]);
            if (component.Across is < 1 or > 4 || component.Down is < 1 or > 4 || component.Quantisation > 3)
            {
                return BadFrame;
            }

            components[i] = component;
            _widest = Math.Max(_widest, component.Across);
            _highest = Math.Max(_highest, component.Down);
        }

        foreach (var component in components)
        {
            component.Blocks = checked(Blocks(_width, component.Across, _widest) * Blocks(_height, component.Down, _highest));
        }

        _components = components;
        return _width == 0 || _height == 0 ? BadFrame : null;
    }

    private static int Blocks(int pixels, int factor, int largestFactor) => Units((pixels * factor) + largestFactor - 1, largestFactor, 8);

    // Of so many numerators over a denominator, rounded down, how many groups of so many are begun.
    private static int Units(int numerator, int denominator, int group) => ((numerator / denominator) + group - 1) / group;

    private readonly string? ReadHuffmanTables(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            if (segment.Length < 17 || segment[0] is > 0x13 or (> 0x03 and < 0x10))
            {
                return BadTable;
            }

            var codes = 0;
            foreach (var count in segment.Slice(1, 16))
            {
                codes += count;
            }

            if (codes > Math.Min(256, segment.Length - 17)
                || JpegHuffmanTable.Create(segment.Slice(1, 16), segment.Slice(17, codes)) is not { } table
                || (segment[0] < 0x10 && !table.HasNoSymbolAbove(15)))
            {
                return BadTable;
            }

            (segment[0] < 0x10 ? _dcTables : _acTables)[segment[0] & 15] = table;
            segment = segment[(17 + codes)..];
        }

        return null;
    }

    private readonly string? ReadQuantisationTables(ReadOnlySpan<byte> segment)
    {
        while (!segment.IsEmpty)
        {
            var wide = segment[0] >> 4;
            var bytes = 64 * (wide + 1);
            if (wide > 1 || (segment[0] & 15) > 3 || segment.Length < 1 + bytes)
            {
                return BadTable;
            }

            var steps = new ushort[64];
            for (var i = 0; i < steps.Length; i++)
            {
                steps[i] = wide == 0 ? segment[1 + i] : BinaryPrimitives.ReadUInt16BigEndian(segment[(1 + (2 * i))..]);
            }

            _steps[segment[0] & 15] = steps;
            segment = segment[(1 + bytes)..];
        }

        return null;
    }

    private string? ReadScan(ReadOnlySpan<byte> segment)
    {
        if (_components.Length == 0)
        {
            return "is damaged: it has picture data before its frame header";
        }

        if (++_scans > MaxScans)
        {
            return $"has more than {MaxScans} scans";
        }

        if (segment.Length < 4 || segment[0] is 0 or > 4 || segment.Length < 4 + (2 * segment[0]))
        {
            return BadScan;
        }

        var components = new JpegComponent[segment[0]];
        for (var i = 0; i < components.Length; i++)
        {
            var (id, tables) = (segment[1 + (2 * i)], segment[2 + (2 * i)]);
            if (Array.Find(_components, component => component.Id == id) is not { } component
                || Array.IndexOf(components, component) >= 0
                || (tables >> 4) > 3
                || (tables & 15) > 3)
            {
                return BadScan;
            }

            if (_steps[component.Quantisation] is not { } steps)
            {
                return BadTable;
            }

            Prepare(component, steps, tables);
            components[i] = component;
        }

        var parameters = segment[(1 + (2 * components.Length))..];
        var band = _isProgressive
            ? new JpegBand(parameters[0], parameters[1], parameters[2] >> 4, parameters[2] & 15)
            // Readers ignore these numbers in a sequential file, and not every encoder sets them.
            : new JpegBand(0, 63, 0, 0);
        if (components.Length > 1 && components.Sum(component => component.Across * component.Down) > MaxBlocksOfUnit)
        {
            return BadScan;
        }

        return NoteProgress(components, band) ?? ReadStretches(components, band);
    }

    private readonly void Prepare(JpegComponent component, ushort[] steps, byte tables)
    {
        var (dc, ac) = (tables >> 4, tables & 15);
        component.Dc = _dcTables[dc] ?? (dc == 0 ? JpegHuffmanTable.StandardDcLuminance : JpegHuffmanTable.StandardDcChrominance);
        component.Ac = _acTables[ac] ?? (ac == 0 ? JpegHuffmanTable.StandardAcLuminance : JpegHuffmanTable.StandardAcChrominance);
        component.LargestDc = Largest(steps[0]);
        for (var k = 0; k < steps.Length; k++)
        {
            component.LargestSize[k + 1] = (sbyte)(32 - int.LeadingZeroCount(Largest(steps[k])));
        }
    }

    // Rounding to a step may add one to what the range allows.
    private static int Largest(int step) => (LargestCoefficient / Math.Max(1, step)) + 1;

    /// <summary>Checks that a scan brings what is due next of each coefficient, and notes that it did.</summary>
    private readonly string? NoteProgress(JpegComponent[] components, JpegBand band)
    {
        var isBand = band.First == 0 ? !_isProgressive || band.Last == 0 : components.Length == 1;
        if (!isBand || band.First > band.Last || band.Last > 63 || band.Low > 13 || (band.High != 0 && band.Low != band.High - 1))
        {
            return BadScan;
        }

        foreach (var component in components)
        {
            if (band.First > 0 && component.LowestBit[0] == JpegComponent.Unseen)
            {
                return BadOrder;
            }

            foreach (ref var bit in component.LowestBit.AsSpan(band.First..(band.Last + 1)))
            {
                if (bit != (band.High == 0 ? JpegComponent.Unseen : band.High))
                {
                    return BadOrder;
                }

                bit = band.Low;
            }
        }

        return null;
    }

    private string? ReadStretches(JpegComponent[] components, JpegBand band)
    {
        var left = components.Length == 1
            ? components[0].Blocks
            : Units(_width, 1, 8 * _widest) * Units(_height, 1, 8 * _highest);
        var done = 0;
        for (var restart = FirstRestart; ;)
        {
            var marker = _data.ReadStretch(ref _offset);
            var units = _restartInterval == 0 ? left : Math.Min(left, _restartInterval);
            if (ReadUnits(components, band, done, units) is { } damage)
            {
                return damage;
            }

            if (_data.IsOverrun)
            {
                return Truncated;
            }

            if (!_data.IsSpent)
            {
                return BadEnd;
            }

            left -= units;
            done += units;
            if (left == 0)
            {
                return null;
            }

            if (marker != restart)
            {
                return marker is JpegScanData.EndOfFile or EndOfImage ? Truncated : BadRestart;
            }

            restart = restart == LastRestart ? FirstRestart : restart + 1;
            _offset += 2;
        }
    }

    /// <summary>Reads the units of one stretch: blocks where the scan has one component, groups of blocks of all of them otherwise.</summary>
    private string? ReadUnits(JpegComponent[] components, JpegBand band, int first, int units)
    {
        foreach (var component in components)
        {
            component.Prediction = 0;
        }

        _endOfBandRun = 0;
        if (band.First > 0)
        {
            var damage = band.High == 0 ? ReadFirstBits(components[0], band, first, units) : ReadNextBits(components[0], band, first, units);
            return damage ?? (_endOfBandRun > 0 ? BadEnd : null);
        }

        if (band.High > 0)
        {
            // One bit a block.
            var blocks = components.Length == 1 ? 1 : components.Sum(component => component.Across * component.Down);
            return (long)blocks * units > int.MaxValue / 2 ? Truncated : Skip(blocks * units);
        }

        if (components.Length == 1)
        {
            return ReadBlocks(components[0], band.Low, units);
        }

        for (var unit = 0; unit < units; unit++)
        {
            foreach (var component in components)
            {
                if (ReadBlocks(component, band.Low, component.Across * component.Down) is { } damage)
                {
                    return damage;
                }
            }
        }

        return null;
    }

    private string? Skip(int bits)
    {
        _data.Position += bits;
        return _data.IsOverrun ? Truncated : null;
    }

    /// <summary>The constant coefficients of so many blocks, and of a sequential file all others too.</summary>
    private string? ReadBlocks(JpegComponent component, int low, int blocks)
    {
        var bytes = _data.Bytes;
        var end = _data.Bits;
        var table = component.Ac;
        var steps = _isProgressive ? [] : table.Steps();
        ReadOnlySpan<sbyte> largest = component.LargestSize;
        var position = _data.Position;
        for (var block = 0; block < blocks; block++)
        {
            var bits = BinaryPrimitives.ReadUInt64BigEndian(bytes[(position >> 3)..]) << (position & 7);
            var have = 64 - (position & 7);
            var entry = component.Dc.Find(bits);
            var (length, size) = (JpegHuffmanTable.Length(entry), JpegHuffmanTable.Symbol(entry));
            if (size > 0)
            {
                component.Prediction += Extend((int)((bits << length) >> (64 - size)), size);
            }

            length += size;
            position += length;
            bits <<= length;
            have -= length;
            // A negative value without its lower bits is rounded away from zero.
            if (entry == 0 || Math.Abs(component.Prediction) > (component.LargestDc >> low) + 1)
            {
                return position > end ? Truncated : entry == 0 ? BadCode : BadBlock;
            }

            for (var k = 1; k < 64 && !_isProgressive;)
            {
                // A code and its value take 31 bits at most.
                if (have < 31)
                {
                    bits = BinaryPrimitives.ReadUInt64BigEndian(bytes[(position >> 3)..]) << (position & 7);
                    have = 64 - (position & 7);
                }

                var step = steps[(int)(bits >> (64 - JpegHuffmanTable.FastBits))];
                if (step == 0)
                {
                    step = table.FindStep(bits);
                }

                length = (int)(step & 0xFF);
                position += length;
                bits <<= length;
                have -= length;
                k += (int)(step >> 8 & 0xFF);
                if ((int)(step >> 16) > largest[k] || step == 0)
                {
                    return position > end ? Truncated : step == 0 ? BadCode : BadBlock;
                }
            }

            if (position > end)
            {
                return Truncated;
            }
        }

        _data.Position = position;
        return null;
    }

    /// <summary>A value of so many bits whose first bit is zero is negative (T.81, F.2.2.1).</summary>
    private static int Extend(int value, int size) => value < 1 << (size - 1) ? value - (1 << size) + 1 : value;

    /// <summary>A band of coefficients in its first scan (T.81, G.1.2.2).</summary>
    private string? ReadFirstBits(JpegComponent component, JpegBand band, int first, int blocks)
    {
        var nonZero = component.RentNonZero();
        for (var block = first; block < first + blocks; block++)
        {
            if (_endOfBandRun > 0)
            {
                var skipped = Math.Min(_endOfBandRun, first + blocks - block);
                _endOfBandRun -= skipped;
                block += skipped - 1;
                continue;
            }

            for (var k = band.First; k <= band.Last; k++)
            {
                if (NextSymbol(component.Ac, out var bits) is not (>= 0 and var symbol))
                {
                    return _data.IsOverrun ? Truncated : BadCode;
                }

                var (run, size) = (symbol >> 4, symbol & 15);
                if (size == 0 && run < 15)
                {
                    ReadEndOfBandRun(run, bits);
                    _endOfBandRun--;
                    break;
                }

                k += run;
                if (k > band.Last || (size > 0 && size + band.Low > component.LargestSize[k + 1]))
                {
                    return _data.IsOverrun ? Truncated : BadBlock;
                }

                _data.Position += size;
                nonZero[block] |= size > 0 ? 1UL << k : 0;
            }

            if (_data.IsOverrun)
            {
                return Truncated;
            }
        }

        return null;
    }

    /// <summary>A band of coefficients in a later scan, which brings one more bit of each (T.81, G.1.2.3).</summary>
    private string? ReadNextBits(JpegComponent component, JpegBand band, int first, int blocks)
    {
        var nonZero = component.RentNonZero();
        var inBand = (ulong.MaxValue << band.First) & (ulong.MaxValue >> (63 - band.Last));
        for (var block = first; block < first + blocks; block++)
        {
            ref var known = ref nonZero[block];
            var k = band.First;
            while (_endOfBandRun == 0 && k <= band.Last)
            {
                if (NextSymbol(component.Ac, out var bits) is not (>= 0 and var symbol))
                {
                    return _data.IsOverrun ? Truncated : BadCode;
                }

                var (run, size) = (symbol >> 4, symbol & 15);
                if (size > 1)
                {
                    return _data.IsOverrun ? Truncated : BadCode;
                }

                if (size == 0 && run < 15)
                {
                    ReadEndOfBandRun(run, bits);
                    break;
                }

                // The sign of the coefficient that follows the run, and a bit for each known one that the run passes.
                _data.Position += size;
                for (; k <= band.Last; k++)
                {
                    if ((known >> k & 1) != 0)
                    {
                        _data.Position++;
                    }
                    else if (--run < 0)
                    {
                        break;
                    }
                }

                if (k > band.Last)
                {
                    return _data.IsOverrun ? Truncated : BadBlock;
                }

                known |= (ulong)size << k;
                k++;
            }

            if (_endOfBandRun > 0)
            {
                _data.Position += k > 63 ? 0 : BitOperations.PopCount(known & inBand & (ulong.MaxValue << k));
                _endOfBandRun--;
            }

            if (_data.IsOverrun)
            {
                return Truncated;
            }
        }

        return null;
    }

    private int NextSymbol(JpegHuffmanTable table, out ulong bits)
    {
        bits = _data.Peek();
        var entry = table.Find(bits);
        var length = JpegHuffmanTable.Length(entry);
        bits <<= length;
        _data.Position += length;
        return entry == 0 ? -1 : JpegHuffmanTable.Symbol(entry);
    }

    /// <summary>This block's band ends here, and so do those of the blocks after it: their number is 2^size plus so many bits.</summary>
    private void ReadEndOfBandRun(int size, ulong bits)
    {
        _endOfBandRun = (1 << size) + (size == 0 ? 0 : (int)(bits >> (64 - size)));
        _data.Position += size;
    }

    /// <summary>What a scan brings of its blocks.</summary>
    /// <param name="First">The first coefficient, in zigzag order.</param>
    /// <param name="Last">The last coefficient.</param>
    /// <param name="High">The bit that an earlier scan brought last; zero in a first scan.</param>
    /// <param name="Low">The lowest bit that this scan brings.</param>
    private readonly record struct JpegBand(int First, int Last, int High, int Low);
}
