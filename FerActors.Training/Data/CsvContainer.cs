using System.Formats.Tar;
using System.IO.Compression;

namespace FerActors.Training.Data;

/// <summary>Finds the one CSV inside a plain, gzip, zip, tar or gzipped tar file, by its first bytes.</summary>
internal sealed class CsvContainer : IDisposable
{
    private const int MaxEntries = 10_000;
    private const int TarHeaderBytes = 512;
    private const string NoCsv = "holds no .csv file; if it holds folders of images, unpack it and name the folder";
    private readonly Stack<IDisposable> _owned = new();

    private CsvContainer(Stream content) => Content = content;

    /// <summary>The text of the CSV.</summary>
    public Stream Content { get; private set; }

    public static CsvContainer Open(Stream file, string name, FerDataOptions options)
    {
        var container = new CsvContainer(file);
        try
        {
            Span<byte> magic = stackalloc byte[TarHeaderBytes];
            var start = file.Position;
            magic = magic[..file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false)];
            file.Position = start;
            if (magic.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
            {
                container.OpenGzip(file, name, options);
            }
            else if (magic.StartsWith("PK\u0003\u0004"u8) || magic.StartsWith("PK\u0005\u0006"u8))
            {
                container.OpenZip(file, name, options);
            }
            else if (IsTar(magic))
            {
                container.OpenTar(file, name);
            }
            else if (OtherPacking(magic) is { } other)
            {
                throw new FerDataException(name, $"is packed with {other.Packer}, which is not read; unpack it first: {other.Command} {name}");
            }

            return container;
        }
        catch (Exception problem) when (problem is InvalidDataException or EndOfStreamException or FormatException)
        {
            container.Dispose();
            throw new FerDataException(name, "is a damaged or truncated archive", problem);
        }
        catch
        {
            container.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        while (_owned.TryPop(out var item))
        {
            item.Dispose();
        }
    }

    private void OpenGzip(Stream file, string name, FerDataOptions options)
    {
        var text = Own(new WholeGzipStream(file, options.MaxUncompressedBytes));
        Content = text;
        var head = text.Peek(TarHeaderBytes);
        if (IsTar(head))
        {
            OpenTar(text, name);
        }
    }

    private static bool IsTar(ReadOnlySpan<byte> head) => head.Length == TarHeaderBytes && head.Slice(257, 5).SequenceEqual("ustar"u8);

    private static (string Packer, string Command)? OtherPacking(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("BZh"u8))
        {
            return ("bzip2", "bunzip2 --keep");
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]))
        {
            return ("xz", "unxz --keep");
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]))
        {
            return ("Zstandard", "unzstd");
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0x04, 0x22, 0x4D, 0x18]))
        {
            return ("LZ4", "unlz4");
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]))
        {
            return ("7-Zip", "7z x");
        }

        return head.StartsWith("Rar!"u8) ? ("RAR", "unrar x") : null;
    }

    private void OpenTar(Stream tar, string name)
    {
        var reader = Own(new TarReader(tar, leaveOpen: true));
        for (var i = 0; i < MaxEntries && reader.GetNextEntry() is { } entry; i++)
        {
            if (IsCsv(entry.Name) && entry.DataStream is { } data)
            {
                Content = data;
                return;
            }
        }

        throw new FerDataException(name, NoCsv);
    }

    private void OpenZip(Stream file, string name, FerDataOptions options)
    {
        var archive = Own(new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true));
        if (archive.Entries.Count > MaxEntries)
        {
            throw new FerDataException(name, $"holds more than {MaxEntries} files");
        }

        var entries = archive.Entries.Where(entry => IsCsv(entry.FullName)).ToList();
        if (entries.Count != 1)
        {
            var names = string.Join(", ", entries.Take(5).Select(entry => ErrorCollector.Excerpt(entry.FullName)));
            throw new FerDataException(
                name, entries.Count == 0 ? NoCsv : $"holds {entries.Count} .csv files where one is wanted: {names}");
        }

        if (entries[0].IsEncrypted)
        {
            throw new FerDataException(name, "is encrypted");
        }

        if (entries[0].Length > options.MaxUncompressedBytes)
        {
            throw new FerDataException(
                name, $"unpacks to {entries[0].Length} bytes; {options.MaxUncompressedBytes} are allowed");
        }

        Content = Own(entries[0].Open());
    }

    // A zip made on a Mac carries a shadow file beside each file.
    private static bool IsCsv(string entry) =>
        entry.EndsWith(".csv", StringComparison.OrdinalIgnoreCase)
        && !entry.StartsWith("__MACOSX/", StringComparison.Ordinal)
        && !Path.GetFileName(entry).StartsWith("._", StringComparison.Ordinal);

    private T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Push(item);
        return item;
    }
}
