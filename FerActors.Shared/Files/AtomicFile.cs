namespace FerActors.Shared.Files;

/// <summary>Writes a file as a whole or not at all, so that no reader and no crash ever meets half a checkpoint.</summary>
public static class AtomicFile
{
    /// <summary>Writes a temporary file in the same folder, flushes it to the disk, renames it over <paramref name="path"/> and flushes the folder.</summary>
    /// <exception cref="IOException">The file cannot be written; what stood at <paramref name="path"/> is untouched.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full) ?? throw new ArgumentException("The path names a folder, not a file.", nameof(path));
        var temporary = Path.Combine(folder, $".{Path.GetFileName(full)}.{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
            DurableFolder.Flush(folder);
        }
        catch (ArgumentOutOfRangeException e)
        {
            // What .NET makes of EFBIG: the file system, or a limit of the process, takes no file of this length.
            TryDelete(temporary);
            throw new IOException($"A file as long as '{Path.GetFileName(full)}' may not be written here.", e);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The write's own error is the one worth telling; a left-over temporary file is harmless.
        }
    }
}
