namespace FerActors.Training.Data;

/// <summary>Splits a stream into lines without a string a line, within a bound on a line and on the whole.</summary>
internal sealed class BoundedLineReader(Stream stream, int maxLine, long maxBytes)
{
    private readonly byte[] _buffer = new byte[Math.Max(1 << 18, 2 * maxLine)];
    private int _start;
    private int _end;
    private long _total;
    private bool _atEnd;

    /// <summary>Number of the line read last; the first is 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>Reads the next line, without its end (LF or CR LF).</summary>
    /// <param name="line">The line, valid until the next call; empty where it was longer than the bound.</param>
    /// <param name="tooLong">The line was longer than the bound and is left out.</param>
    /// <exception cref="InvalidDataException">The stream is longer than the bound, or damaged.</exception>
    public bool TryRead(out ReadOnlySpan<byte> line, out bool tooLong)
    {
        tooLong = false;
        var scanned = 0;
        while (true)
        {
            var length = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf((byte)'\n');
            if (length >= 0)
            {
                length += scanned;
                line = _buffer.AsSpan(_start, length);
                _start += length + 1;
                return Finish(ref line, ref tooLong);
            }

            scanned = _end - _start;
            if (scanned > maxLine)
            {
                // The rest of an endless line is read and dropped in the same buffer.
                tooLong = true;
                _start = _end;
                scanned = 0;
            }

            if (!Fill())
            {
                line = _buffer.AsSpan(_start, _end - _start);
                _start = _end;
                return (tooLong || line.Length > 0) && Finish(ref line, ref tooLong);
            }
        }
    }

    private bool Finish(ref ReadOnlySpan<byte> line, ref bool tooLong)
    {
        LineNumber++;
        if (line.Length > 0 && line[^1] == '\r')
        {
            line = line[..^1];
        }

        tooLong |= line.Length > maxLine;
        if (tooLong)
        {
            line = default;
        }

        return true;
    }

    private bool Fill()
    {
        if (_atEnd)
        {
            return false;
        }

        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        var read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _atEnd = read == 0;
        _end += read;
        _total += read;
        if (_total > maxBytes)
        {
            throw new InvalidDataException($"holds more than {maxBytes} bytes of text, which is the bound");
        }

        return !_atEnd;
    }
}
