namespace FerActors.Shared.Files;

/// <summary>A file that one process at a time holds open, so that whatever ends the process ends the lock.</summary>
public static class FileLock
{
    /// <summary>Takes the file, which is made with its folder where it is absent.</summary>
    /// <param name="path">The lock's own file, beside what it guards.</param>
    /// <returns><see langword="null"/> where another process holds it.</returns>
    /// <exception cref="IOException">It cannot be made or opened; the message says why.</exception>
    public static FileStream? TryTake(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (FileRefusal.IsHeld(e))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(FileRefusal.Sentence(path, e), e);
        }
    }
}

/// <summary>Why the system refused a file, for people. Each cause has its own remedy.</summary>
public static class FileRefusal
{
    // What .NET gives as HResult on Unix is errno.
    private const int Again = 11;
    private const int AgainMac = 35;
    private const int NoSpace = 28;
    private const int ReadOnly = 30;
    private const int Quota = 122;

    // Of Windows: sharing and lock violations, a full disk.
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockViolation = unchecked((int)0x80070021);
    private const int DiskFull = unchecked((int)0x80070070);

    /// <summary>Whether another process holds the file.</summary>
    public static bool IsHeld(IOException refusal) => refusal.HResult is Again or AgainMac or SharingViolation or LockViolation;

    /// <summary>One sentence with the path and the cause.</summary>
    public static string Sentence(string path, Exception refusal)
    {
        var root = refusal is UnauthorizedAccessException { InnerException: IOException inner } ? inner : refusal;
        return root.HResult switch
        {
            ReadOnly => $"'{path}' cannot be written: it is on a file system that is read-only.",
            NoSpace or DiskFull => $"'{path}' cannot be written: the disk is full.",
            Quota => $"'{path}' cannot be written: the user's quota is used up.",
            _ when refusal is UnauthorizedAccessException => $"'{path}' cannot be written: the user '{Environment.UserName}' has no right to.",
            _ when refusal is DirectoryNotFoundException or FileNotFoundException => $"'{path}' cannot be written: its folder is missing.",
            _ => $"'{path}' cannot be written: {refusal.Message}",
        };
    }
}
