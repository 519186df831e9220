namespace FerActors.Shared.Files;

/// <summary>Files about people, which their owner alone may read. On Windows the folder's rights guard them.</summary>
public static class OwnerOnlyFiles
{
    /// <summary>Makes the folder where it is absent, and opens a file in it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="options">How it is opened; the rights of a new file are set here.</param>
    /// <exception cref="IOException">It cannot be made or opened.</exception>
    public static FileStream Open(string folder, string name, FileStreamOptions options)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(Path.Combine(folder, name), options);
    }
}
