using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FerActors.Training.Registry;

/// <summary>What .NET's files lack: opening without following a link or waiting for a pipe.</summary>
internal static partial class SafeFiles
{
    // Linux's numbers; two of them differ between architectures (asm-generic and arm/arm64's fcntl.h).
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    private static int NoFollow => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    /// <summary>Opens a regular file for reading.</summary>
    /// <exception cref="IOException">It is a link, a folder, a pipe or a device, or it cannot be read.</exception>
    public static FileStream OpenRegular(string path)
    {
        var attributes = File.GetAttributes(path);
        if ((attributes & (FileAttributes.ReparsePoint | FileAttributes.Directory)) != 0)
        {
            var kind = (attributes & FileAttributes.ReparsePoint) != 0 ? "a link" : "a folder";
            throw new IOException($"{Path.GetFileName(path)} is {kind}, not a file.");
        }

        if (!OperatingSystem.IsLinux())
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        }

        // A link that took the file's place a moment ago is refused here too.
        var handle = Open(path, NonBlocking | CloseOnExec | NoFollow);
        if (handle.IsInvalid)
        {
            throw Error(path);
        }

        var file = new FileStream(handle, FileAccess.Read, bufferSize: 1);
        if (file.CanSeek)
        {
            return file;
        }

        file.Dispose();
        throw new IOException($"{Path.GetFileName(path)} is a pipe or a device, not a file.");
    }

    private static IOException Error(string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{path}: {new Win32Exception(error).Message}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags);
}
