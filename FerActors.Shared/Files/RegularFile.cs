using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FerActors.Shared.Files;

/// <summary>
/// Opens the files that people name. A pipe, a device or a socket in a file's place would hold the program up for good, since even to
/// open a pipe waits for its other end; here it is refused, with a sentence that names what it is.
/// </summary>
public static partial class RegularFile
{
    // Linux's numbers; NoFollow differs between architectures (asm-generic and arm/arm64's fcntl.h).
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int CurrentFolder = -100;
    private const int EmptyPath = 0x1000;
    private const uint WantType = 1;
    private const int StatusBytes = 256;
    private const int ModeOffset = 28;
    private const int TypeBits = 0xF000;
    private const int RegularType = 0x8000;
    private const int NotPermitted = 1;
    private const int NoSuchFile = 2;
    private const int AccessDenied = 13;
    private const int NotAFolder = 20;

    private static int NoFollow => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    /// <summary>Opens a regular file for reading, without waiting.</summary>
    /// <param name="path">The file, or a link to it.</param>
    /// <param name="bufferSize">Bytes of the stream's buffer; 1 for none.</param>
    /// <param name="followLinks">Whether a link at the path's end may stand for the file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="NotRegularFileException">It is a folder, a pipe, a device or a socket.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream OpenRead(string path, int bufferSize = 4096, bool followLinks = true)
    {
        var handle = OpenHandle(path, followLinks);
        try
        {
            return new FileStream(handle, FileAccess.Read, bufferSize);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>As <see cref="OpenRead"/>, for reads at offsets.</summary>
    /// <inheritdoc cref="OpenRead"/>
    public static SafeFileHandle OpenHandle(string path, bool followLinks = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            throw NotRegular(path, "a folder");
        }

        if (!OperatingSystem.IsLinux())
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }

        // To open a device may already do something, so its type is asked for before; and again after, since it may change in between.
        if (TypeOf(CurrentFolder, path, 0) is { } named && Name(named) is { } other)
        {
            throw NotRegular(path, other);
        }

        var handle = Open(path, NonBlocking | CloseOnExec | (followLinks ? 0 : NoFollow));
        if (handle.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeError();
            handle.Dispose();
            throw Refusal(path, error);
        }

        if (TypeOf((int)handle.DangerousGetHandle(), "", EmptyPath) is { } opened && Name(opened) is { } changed)
        {
            handle.Dispose();
            throw NotRegular(path, changed);
        }

        return handle;
    }

    /// <summary>Reads a whole file.</summary>
    /// <inheritdoc cref="OpenRead"/>
    public static byte[] ReadAllBytes(string path)
    {
        using var file = OpenRead(path, bufferSize: 1);
        using var bytes = new MemoryStream((int)Math.Min(file.Length, Array.MaxLength));
        file.CopyTo(bytes);
        return bytes.Length == bytes.Capacity ? bytes.GetBuffer() : bytes.ToArray();
    }

    /// <summary>Reads a whole text: UTF-8, or what its byte order mark says.</summary>
    /// <inheritdoc cref="OpenRead"/>
    public static string ReadAllText(string path)
    {
        using var reader = new StreamReader(OpenRead(path));
        return reader.ReadToEnd();
    }

    /// <summary>Reads a whole file.</summary>
    /// <inheritdoc cref="OpenRead"/>
    public static Task<byte[]> ReadAllBytesAsync(string path, CancellationToken cancellation = default) =>
        Task.Run(() => ReadAllBytes(path), cancellation);

    /// <summary>Reads a whole text: UTF-8, or what its byte order mark says.</summary>
    /// <inheritdoc cref="OpenRead"/>
    public static Task<string> ReadAllTextAsync(string path, CancellationToken cancellation = default) =>
        Task.Run(() => ReadAllText(path), cancellation);

    private static string? Name(int type) => type switch
    {
        RegularType => null,
        0x1000 => "a named pipe",
        0x2000 or 0x6000 => "a device",
        0x4000 => "a folder",
        0xC000 => "a socket",
        _ => "something else",
    };

    private static NotRegularFileException NotRegular(string path, string kind) => new(path, kind);

    private static Exception Refusal(string path, int error) => error switch
    {
        NoSuchFile => new FileNotFoundException($"Could not find file '{path}'.", path),
        NotAFolder => new DirectoryNotFoundException($"Could not find a part of the path '{path}'."),
        AccessDenied or NotPermitted => new UnauthorizedAccessException($"Access to the path '{path}' is denied."),
        _ => new IOException($"'{path}' cannot be opened: {new Win32Exception(error).Message}.", error),
    };

    /// <returns>The type bits of the file's mode; <see langword="null"/> where the file cannot be asked.</returns>
    private static unsafe int? TypeOf(int folder, string path, int flags)
    {
        // struct statx has the same layout on all architectures.
        var status = stackalloc byte[StatusBytes];
        return Status(folder, path, flags, WantType, status) == 0 ? *(ushort*)(status + ModeOffset) & TypeBits : null;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int Status(int folder, string path, int flags, uint mask, byte* status);
}
