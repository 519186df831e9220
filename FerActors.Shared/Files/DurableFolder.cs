using System.Runtime.InteropServices;

namespace FerActors.Shared.Files;

/// <summary>Makes renames within a folder last over a power failure.</summary>
/// <remarks>
/// Flushing a file stores its bytes; that a name now stands for them is the folder's content and is stored by flushing the folder.
/// .NET opens no folders, so this asks the C library. Windows flushes its folders itself.
/// </remarks>
public static partial class DurableFolder
{
    // O_RDONLY, which is 0 everywhere; O_CLOEXEC differs between systems and is not needed for a moment.
    private const int ReadOnly = 0;

    /// <summary>Flushes a folder's entries to the disk; does nothing on Windows.</summary>
    /// <exception cref="IOException">The folder cannot be opened or flushed.</exception>
    public static void Flush(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = Open(folder, ReadOnly);
        if (descriptor < 0)
        {
            throw Failure("opened", folder);
        }

        try
        {
            // Some network file systems have no such call for folders (EINVAL); they store renames at once.
            const int notSupported = 22;
            if (Synchronise(descriptor) < 0 && Marshal.GetLastPInvokeError() != notSupported)
            {
                throw Failure("flushed", folder);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Failure(string verb, string folder) =>
        new($"The folder '{folder}' could not be {verb}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronise(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
