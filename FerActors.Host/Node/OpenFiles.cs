using System.Globalization;

namespace FerActors.Host.Node;

/// <summary>How many files the system lets this process open. With too few, parts of .NET fail on the way with "out of memory" or "file not found".</summary>
internal static class OpenFiles
{
    /// <summary>Enough for a node with its libraries, its databases and some clients.</summary>
    public const int Least = 512;

    private const string Limits = "/proc/self/limits";
    private const string Row = "Max open files";

    /// <summary>What is wrong, as a sentence; <see langword="null"/> where there is enough or the system does not say.</summary>
    public static string? Shortage() => File.Exists(Limits) ? Shortage(File.ReadAllLines(Limits)) : null;

    /// <param name="limits">The lines of the file of limits.</param>
    internal static string? Shortage(IEnumerable<string> limits) =>
        limits.FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal)) is { } row
        && row[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..]
        && long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var files)
        && files < Least
            ? $"The system lets this process open {files} files; a node needs {Least} at least, and one for each client (ulimit -n, LimitNOFILE)."
            : null;
}
