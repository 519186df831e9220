using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using FerActors.Shared.Files;

namespace FerActors.Host.Backups;

/// <summary>
/// Puts an archive back. Everything is written beside its place and compared with the manifest first; only then do the folders get their
/// names. Nothing that exists is replaced.
/// </summary>
internal sealed class BackupReader(BackupLayout layout)
{
    private readonly Dictionary<string, string> _found = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _drafts = new(StringComparer.Ordinal);
    private readonly string _mark = $".restore-{Guid.NewGuid():N}";
    private BackupManifest? _manifest;
    private long _bytes;

    /// <summary>What was read so far, for who waits.</summary>
    public (int Files, long Bytes) Progress => (_found.Count, _bytes);

    /// <summary>Puts the archive's files where the node looks for them.</summary>
    /// <param name="path">The archive.</param>
    /// <param name="cancellation">Gives up and leaves nothing.</param>
    /// <returns>When the archive was made.</returns>
    /// <exception cref="InvalidDataException">The archive is none, or not what was written.</exception>
    /// <exception cref="IOException">A node runs here, something stands in the way, or the disk failed.</exception>
    public async Task<DateTimeOffset> ReadAsync(string path, CancellationToken cancellation)
    {
        using var held = layout.Journal is { } journal
            ? FileLock.TryTake(journal + ".lock") ?? throw new IOException($"A node has the journal '{journal}'; stop it first.")
            : null;
        try
        {
            var archive = RegularFile.OpenRead(path, bufferSize: 1 << 16);
            await using (archive.ConfigureAwait(false))
            {
                var tar = new TarReader(archive);
                await using (tar.ConfigureAwait(false))
                {
                    await ReadEntriesAsync(tar, cancellation).ConfigureAwait(false);
                }
            }

            return Settle();
        }
        catch (Exception e) when (e is FormatException or EndOfStreamException or JsonException)
        {
            throw new InvalidDataException($"'{path}' is no whole archive of 'fer backup': {e.Message}", e);
        }
        finally
        {
            _drafts.Values.ToList().ForEach(Remove);
        }
    }

    private async Task ReadEntriesAsync(TarReader tar, CancellationToken cancellation)
    {
        while (await tar.GetNextEntryAsync(copyData: false, cancellation).ConfigureAwait(false) is { } entry)
        {
            if (_manifest is not null || entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile))
            {
                throw new InvalidDataException($"The archive has an entry '{entry.Name}' that 'fer backup' does not write.");
            }

            if (entry.Name == BackupLayout.ManifestName)
            {
                _manifest = await ManifestAsync(entry, cancellation).ConfigureAwait(false);
                continue;
            }

            var target = DraftOf(entry.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            var file = new FileStream(target, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
            await using (file.ConfigureAwait(false))
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                var buffer = new byte[1 << 20];
                while (entry.DataStream is { } data && await data.ReadAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and var read)
                {
                    hash.AppendData(buffer, 0, read);
                    await file.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
                    _bytes += read;
                }

                file.Flush(flushToDisk: true);
                _found[entry.Name] = Convert.ToHexStringLower(hash.GetHashAndReset());
            }

            if (!OperatingSystem.IsWindows())
            {
                const UnixFileMode plain = (UnixFileMode)0b_110_110_110;
                File.SetUnixFileMode(target, (entry.Mode & plain) | UnixFileMode.UserRead);
            }
        }
    }

    private static async Task<BackupManifest> ManifestAsync(TarEntry entry, CancellationToken cancellation)
    {
        if (entry.Length > BackupManifest.MaxBytes || entry.DataStream is null)
        {
            throw new InvalidDataException("The archive's manifest is empty or too long.");
        }

        var json = new byte[entry.Length];
        await entry.DataStream.ReadExactlyAsync(json, cancellation).ConfigureAwait(false);
        var manifest = BackupManifest.FromJson(json);
        return manifest.Format == BackupManifest.Current
            ? manifest
            : throw new InvalidDataException($"The archive has format {manifest.Format}; this program reads {BackupManifest.Current}.");
    }

    // A name is made of plain words, so that nothing is written elsewhere.
    private string DraftOf(string name)
    {
        if (name == BackupLayout.JournalName)
        {
            return Draft(name, layout.Journal ?? throw new InvalidDataException("The archive holds a journal of SQLite, and Persistence:Provider is another."));
        }

        var parts = name.Split('/');
        return parts.Length > 1
            && layout.Folders.TryGetValue(parts[0], out var folder)
            && parts.All(part => part.Length > 0 && !part.StartsWith('.') && part.IndexOfAny(['\\', ':', '\0']) < 0)
                ? Path.Combine([Draft(parts[0], folder), .. parts[1..]])
                : throw new InvalidDataException($"The archive has an entry '{name}' that 'fer backup' does not write.");
    }

    private string Draft(string word, string place)
    {
        if (!_drafts.TryGetValue(word, out var draft))
        {
            if (File.Exists(place) || File.Exists(place + "-wal") || (Directory.Exists(place) && Directory.EnumerateFileSystemEntries(place).Any()))
            {
                throw new IOException($"'{place}' exists and is not empty; move it away first. Nothing was changed.");
            }

            // On the disk of its place, so that a rename is enough. A folder that exists may be a disk of its own.
            _drafts[word] = draft = Directory.Exists(place) ? Path.Combine(place, _mark) : Path.TrimEndingDirectorySeparator(place) + _mark;
        }

        return draft;
    }

    private DateTimeOffset Settle()
    {
        if (_manifest is null)
        {
            throw new InvalidDataException("The archive has no manifest: its end is missing. Nothing was changed.");
        }

        foreach (var name in _manifest.Files.Keys.Union(_found.Keys, StringComparer.Ordinal))
        {
            if (_manifest.Files.GetValueOrDefault(name) != _found.GetValueOrDefault(name))
            {
                throw new InvalidDataException($"'{name}' of the archive is missing or not what was written. Nothing was changed.");
            }
        }

        // The journal last: with it the node is there again.
        foreach (var (word, draft) in _drafts.OrderBy(pair => pair.Key == BackupLayout.JournalName))
        {
            if (word == BackupLayout.JournalName)
            {
                File.Move(draft, layout.Journal!);
                DurableFolder.Flush(Path.GetDirectoryName(layout.Journal!)!);
                continue;
            }

            var place = layout.Folders[word];
            if (Directory.Exists(place))
            {
                foreach (var entry in Directory.EnumerateFileSystemEntries(draft).ToList())
                {
                    Directory.Move(entry, Path.Combine(place, Path.GetFileName(entry)));
                }

                DurableFolder.Flush(place);
                continue;
            }

            Directory.Move(draft, place);
            DurableFolder.Flush(Path.GetDirectoryName(place)!);
        }

        return _manifest.Made;
    }

    private static void Remove(string draft)
    {
        if (Directory.Exists(draft))
        {
            Directory.Delete(draft, recursive: true);
        }
        else
        {
            File.Delete(draft);
        }
    }
}
