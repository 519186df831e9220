using System.Formats.Tar;
using FerActors.Shared.Files;
using Microsoft.Data.Sqlite;

namespace FerActors.Host.Backups;

/// <summary>
/// Writes one archive of a node's journal and folders, while the node runs or not. The journal comes first: every version that it knows
/// then lies in the registry already, since a version's files are there before the journal says so and never change.
/// </summary>
internal sealed class BackupWriter(BackupLayout layout, TimeProvider clock)
{
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>What was written so far, for who waits.</summary>
    public (int Files, long Bytes) Progress => (_files.Count, _bytes);

    /// <summary>Writes the archive, which only its owner may read.</summary>
    /// <param name="path">A new file.</param>
    /// <param name="words">The folders to take.</param>
    /// <param name="cancellation">Gives up and leaves nothing.</param>
    /// <exception cref="IOException">A file cannot be read or written, or the archive is there already.</exception>
    public async Task WriteAsync(string path, IReadOnlyList<string> words, CancellationToken cancellation)
    {
        if (Path.Exists(path))
        {
            throw new IOException($"'{path}' exists; name a new file.");
        }

        var draft = $"{path}.{Guid.NewGuid():N}.tmp";
        var journal = $"{draft}.db";
        try
        {
            var archive = new FileStream(draft, OwnerOnly());
            await using (archive.ConfigureAwait(false))
            {
                var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true);
                await using (tar.ConfigureAwait(false))
                {
                    if (layout.Journal is { } database)
                    {
                        await Task.Run(() => CopyJournal(database, journal), cancellation).ConfigureAwait(false);
                        await AddAsync(tar, BackupLayout.JournalName, journal, cancellation).ConfigureAwait(false);
                    }

                    foreach (var word in words)
                    {
                        await AddFolderAsync(tar, word, layout.Folders[word], cancellation).ConfigureAwait(false);
                    }

                    var manifest = new BackupManifest(BackupManifest.Current, clock.GetUtcNow(), _files).ToJson();
                    await tar.WriteEntryAsync(
                        new PaxTarEntry(TarEntryType.RegularFile, BackupLayout.ManifestName) { DataStream = new MemoryStream(manifest) }, cancellation).ConfigureAwait(false);
                }

                archive.Flush(flushToDisk: true);
            }

            File.Move(draft, path);
            DurableFolder.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        finally
        {
            File.Delete(draft);
            File.Delete(journal);
        }
    }

    // SQLite's own way: a copy of one moment, also of what still stands in the write-ahead log, while others write.
    private static void CopyJournal(string database, string copy)
    {
        if (!File.Exists(database))
        {
            throw new FileNotFoundException($"There is no journal '{database}'; see Persistence:ConnectionString.");
        }

        try
        {
            using (new FileStream(copy, OwnerOnly()))
            {
                // SQLite would make it with other rights.
            }

            using var from = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ConnectionString);
            using var to = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = copy, Pooling = false }.ConnectionString);
            from.Open();
            to.Open();
            from.BackupDatabase(to);
            using var command = to.CreateCommand();

            // One file, without a log beside it.
            command.CommandText = "PRAGMA journal_mode=DELETE";
            command.ExecuteNonQuery();
            command.CommandText = "PRAGMA integrity_check";
            if (command.ExecuteScalar() is not "ok")
            {
                throw new InvalidDataException($"The journal '{database}' is damaged: SQLite's integrity check fails.");
            }
        }
        catch (SqliteException e)
        {
            throw new IOException($"The journal '{database}' cannot be copied: {e.Message}", e);
        }
    }

    private async Task AddFolderAsync(TarWriter tar, string word, string folder, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        // What begins with a dot is half a copy or half a deletion; links lead out of the folder.
        var wanted = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden };
        foreach (var file in Directory.EnumerateFiles(folder, "*", wanted).Order(StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/');
            if (name.Split('/').Any(part => part.StartsWith('.')))
            {
                continue;
            }

            try
            {
                await AddAsync(tar, $"{word}/{name}", file, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                throw new IOException($"'{file}' was deleted meanwhile. Run the backup again.", e);
            }
        }
    }

    private async Task AddAsync(TarWriter tar, string name, string file, CancellationToken cancellation)
    {
        var stream = RegularFile.OpenRead(file, bufferSize: 1 << 16);
        await using (stream.ConfigureAwait(false))
        {
            var hashed = new HashedStream(stream);
            await using (hashed.ConfigureAwait(false))
            {
                var entry = new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = hashed };
                if (!OperatingSystem.IsWindows())
                {
                    entry.Mode = File.GetUnixFileMode(file);
                }

                await tar.WriteEntryAsync(entry, cancellation).ConfigureAwait(false);
                if (hashed.Position != hashed.Length)
                {
                    throw new IOException($"'{file}' was cut meanwhile. Run the backup again.");
                }

                _files[name] = hashed.Digest();
                _bytes += hashed.Length;
            }
        }
    }

    private static FileStreamOptions OwnerOnly()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
