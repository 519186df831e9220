namespace FerActors.Vision.Imaging;

/// <summary>
/// Reads a JPEG's markers (ITU-T T.81, annex B) from start to end; entropy-coded data is skipped, not decoded. Whether the data are all
/// there is for <see cref="Vision.Imaging.PictureIntegrity"/> to say: a file may be whole without its end marker, and incomplete with it.
/// </summary>
internal ref struct JpegHeader
{
    /// <summary>
    /// Progressive files of real encoders have about ten scans. Each scan costs a pass over the whole picture however few bytes it
    /// takes, so that a small file with thousands of them would keep a decoder busy for hours.
    /// </summary>
    private const int MaxScans = 64;

    private const byte StartOfImage = 0xD8;
    private const byte EndOfImage = 0xD9;

    /// <summary>Never a marker: FF 00 is a data byte.</summary>
    private const byte EndOfFile = 0;
    private const byte StartOfScan = 0xDA;
    private const byte App1 = 0xE1;
    private const byte App14 = 0xEE;

    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;
    private int _width;
    private int _height;
    private int _components;
    private int _scans;
    private bool _adobe;
    private int? _orientation;

    private JpegHeader(ReadOnlySpan<byte> bytes)
    {
        _bytes = bytes;
        _position = 2;
    }

    public static bool Matches(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, StartOfImage]);

    public static HeaderReading Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new JpegHeader(bytes);
        var damage = reader.Walk();
        return new HeaderReading(reader.Header(), damage);
    }

    private readonly ImageHeader Header() => new(
        ImageFormat.Jpeg,
        _width,
        _height,
        _orientation ?? ExifOrientation.Upright,
        BitDepth: 8,
        Color(),
        IsAnimated: false);

    private readonly ColorKind Color() => _components switch
    {
        1 => ColorKind.Gray,
        3 => ColorKind.Rgb,
        // Without Adobe's marker nothing says whether the inks are stored inverted; guessing would classify a negative.
        4 when _adobe => ColorKind.Cmyk,
        4 => throw ImageRejectedException.Unsupported("The JPEG has four colour components without Adobe's marker; convert it to RGB."),
        _ => throw ImageRejectedException.Unsupported($"The JPEG has {_components} colour components; accepted are 1, 3 and 4."),
    };

    /// <summary>Walks to the end-of-image marker, or to the end of the file after a scan. Damage before the frame header is thrown, since then there is no size to report.</summary>
    private string? Walk()
    {
        try
        {
            while (true)
            {
                var marker = NextMarker();
                if (marker is EndOfImage or EndOfFile)
                {
                    return _scans > 0 ? null : throw ImageRejectedException.Corrupt("The JPEG has no picture data.");
                }

                ReadMarker(marker);
            }
        }
        catch (ImageRejectedException e) when (_components > 0 && e.Code == Shared.Protocol.ErrorCodes.CorruptImage)
        {
            return e.Message;
        }
    }

    /// <summary>Finds the next marker as libjpeg does: other bytes before it, and fill bytes, are skipped.</summary>
    private byte NextMarker()
    {
        while (true)
        {
            var offset = _bytes[_position..].IndexOf((byte)0xFF);
            if (offset < 0)
            {
                return AtEndOfFile();
            }

            _position += offset;
            while (_position < _bytes.Length && _bytes[_position] == 0xFF)
            {
                _position++;
            }

            if (_position >= _bytes.Length)
            {
                return AtEndOfFile();
            }

            var marker = _bytes[_position++];
            if (marker != 0)
            {
                return marker;
            }
        }
    }

    private readonly byte AtEndOfFile() =>
        _scans > 0 ? EndOfFile : throw ImageRejectedException.Corrupt("The JPEG is truncated: it ends before its picture data.");

    private void ReadMarker(byte marker)
    {
        if (marker is 0x01 or (>= 0xD0 and <= 0xD7))
        {
            return;
        }

        if (marker == StartOfImage)
        {
            throw ImageRejectedException.Corrupt("The JPEG has a second start-of-image marker.");
        }

        var length = _bytes.U16Be(_position);
        if (length < 2)
        {
            throw ImageRejectedException.Corrupt("The JPEG has a segment of impossible length.");
        }

        if (length > _bytes.Length - _position)
        {
            throw ImageRejectedException.Corrupt("The JPEG is truncated: it ends inside a segment.");
        }

        var segment = _bytes.Slice(_position + 2, length - 2);
        _position += length;
        switch (marker)
        {
            case 0xC0 or 0xC1 or 0xC2:
                ReadFrame(segment);
                break;
            case 0xC3:
                throw ImageRejectedException.Unsupported("The JPEG is lossless; accepted are baseline and progressive ones.");
            case 0xC9 or 0xCA or 0xCB or 0xCC:
                throw ImageRejectedException.Unsupported("The JPEG is arithmetic-coded; accepted are Huffman-coded ones.");
            case 0xC5 or 0xC6 or 0xC7 or 0xCD or 0xCE or 0xCF or 0xF7:
                throw ImageRejectedException.Unsupported("The JPEG is hierarchical or JPEG-LS; accepted are baseline and progressive ones.");
            case App1 when _orientation is null && ExifOrientation.HasPrefix(segment):
                _orientation = ExifOrientation.Read(segment);
                break;
            case App14 when segment.StartsWith("Adobe"u8):
                _adobe = true;
                break;
            case StartOfScan:
                StartScan();
                break;
        }
    }

    private void ReadFrame(ReadOnlySpan<byte> segment)
    {
        if (_components > 0)
        {
            throw ImageRejectedException.Corrupt("The JPEG has two frame headers.");
        }

        var precision = segment.U8(0);
        var height = segment.U16Be(1);
        var width = segment.U16Be(3);
        var components = segment.U8(5);
        if (precision != 8)
        {
            throw ImageRejectedException.Unsupported($"The JPEG has {precision} bits a sample; accepted are 8.");
        }

        if (width == 0 || height == 0 || components == 0)
        {
            throw ImageRejectedException.Corrupt("The JPEG's header announces a picture without pixels.");
        }

        (_width, _height, _components) = (width, height, components);
    }

    private void StartScan()
    {
        if (_components == 0)
        {
            throw ImageRejectedException.Corrupt("The JPEG has picture data before its frame header.");
        }

        if (++_scans > MaxScans)
        {
            throw ImageRejectedException.Unsupported($"The JPEG has more than {MaxScans} scans.");
        }

        // Inside a scan, FF 00 is a data byte and FF D0 to FF D7 are restart markers; the next other marker ends it.
        while (true)
        {
            var offset = _bytes[_position..].IndexOf((byte)0xFF);
            if (offset < 0 || _position + offset + 1 >= _bytes.Length)
            {
                _position = _bytes.Length;
                return;
            }

            var next = _bytes[_position + offset + 1];
            if (next is not (0x00 or 0xFF or (>= 0xD0 and <= 0xD7)))
            {
                _position += offset;
                return;
            }

            _position += offset + (next == 0xFF ? 1 : 2);
        }
    }
}
