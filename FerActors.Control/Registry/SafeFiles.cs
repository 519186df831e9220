using FerActors.Shared.Files;

namespace FerActors.Control.Registry;

/// <summary>What .NET's files lack: opening without following a link.</summary>
internal static class SafeFiles
{
    /// <summary>Opens a regular file for reading.</summary>
    /// <exception cref="IOException">It is a link, a folder, a pipe or a device, or it cannot be read.</exception>
    public static FileStream OpenRegular(string path)
    {
        if ((File.GetAttributes(path) & FileAttributes.ReparsePoint) != 0)
        {
            throw new IOException($"{Path.GetFileName(path)} is a link, not a file.");
        }

        // A link that took the file's place a moment ago is refused here too.
        return RegularFile.OpenRead(path, bufferSize: 1, followLinks: false);
    }
}
