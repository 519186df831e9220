using System.Runtime.InteropServices;

namespace FerActors.Shared.Files;

/// <summary>Asks the system whether this user may make files in a folder, without making one.</summary>
public static partial class FolderAccess
{
    private const int MayWrite = 2;
    private const int MayEnter = 1;

    /// <summary>Why not, in the system's words; <see langword="null"/> where it may, and on Windows, where the question has no short answer.</summary>
    /// <param name="folder">A folder that exists.</param>
    public static string? Refusal(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return OperatingSystem.IsWindows() || Access(folder, MayWrite | MayEnter) == 0
            ? null
            : Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);
}
