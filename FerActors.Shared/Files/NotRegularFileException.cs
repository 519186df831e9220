namespace FerActors.Shared.Files;

/// <summary>What stands at a path is no regular file.</summary>
/// <param name="path">As the caller named it.</param>
/// <param name="kind">What it is.</param>
public sealed class NotRegularFileException(string path, string kind) : IOException($"'{path}' is {kind}, not a file.")
{
    /// <summary>What it is, with its article: <c>a named pipe</c>.</summary>
    public string Kind => kind;
}
