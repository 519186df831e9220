using System.IO.Compression;

namespace FerActors.Training.Data;

/// <summary>Decompresses gzip (one member or several) and refuses a file that ends too early.</summary>
/// <remarks>
/// <see cref="GZipStream"/> takes a cut-off file for a short one. So one more member with known text is put behind the file:
/// only where every member before it is whole does that text come out at the end.
/// </remarks>
internal sealed class WholeGzipStream : Stream
{
    private static readonly byte[] SealText = "FerActors:sealed"u8.ToArray();
    private static readonly byte[] SealMember = Compress(SealText);
    private readonly GZipStream _inner;
    private readonly long _maxBytes;
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private long _total;
    private bool _atEnd;

    /// <param name="file">The compressed bytes, from their position on; left open.</param>
    /// <param name="maxBytes">Most bytes after decompression.</param>
    public WholeGzipStream(Stream file, long maxBytes)
    {
        _inner = new GZipStream(new SealedSource(file), CompressionMode.Decompress);
        _maxBytes = maxBytes;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The next bytes, which stay to be read; fewer only where the text ends before.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        while (Available < count && Fill())
        {
        }

        return _buffer.AsSpan(_start, Math.Min(count, Available));
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        while (Available == 0 && Fill())
        {
        }

        var count = Math.Min(buffer.Length, Available);
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    // The last bytes are held back until it is known whether they are the seal.
    private int Available => Math.Max(0, _end - _start - (_atEnd ? 0 : SealText.Length));

    private bool Fill()
    {
        if (_atEnd)
        {
            return false;
        }

        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        var read = _inner.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        _total += read;
        if (_total - SealText.Length > _maxBytes)
        {
            throw new InvalidDataException($"unpacks to more than {_maxBytes} bytes, which is the bound");
        }

        if (read == 0)
        {
            if (!_buffer.AsSpan(0, _end).EndsWith(SealText))
            {
                throw new InvalidDataException("the gzip file is truncated, or something else follows its data");
            }

            _end -= SealText.Length;
            _atEnd = true;
        }

        return true;
    }

    private static byte[] Compress(byte[] text)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(text);
        }

        return target.ToArray();
    }

    private sealed class SealedSource(Stream file) : Stream
    {
        private int _sealRead;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            var read = _sealRead == 0 ? file.Read(buffer) : 0;
            if (read > 0 || buffer.IsEmpty)
            {
                return read;
            }

            var count = Math.Min(buffer.Length, SealMember.Length - _sealRead);
            SealMember.AsSpan(_sealRead, count).CopyTo(buffer);
            _sealRead += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
