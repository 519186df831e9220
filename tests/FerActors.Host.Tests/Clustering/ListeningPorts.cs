using System.Globalization;

namespace FerActors.Host.Tests.Clustering;

/// <summary>The TCP ports on which a process listens, as Linux shows them.</summary>
internal static class ListeningPorts
{
    private const string Listens = "0A";

    public static IReadOnlyList<int> Of(int process)
    {
        var sockets = Directory.EnumerateFileSystemEntries($"/proc/{process}/fd")
            .Select(file => new FileInfo(file).LinkTarget ?? "")
            .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
            .Select(target => target["socket:[".Length..^1])
            .ToHashSet();
        return
        [
            .. new[] { "tcp", "tcp6" }
                .SelectMany(table => File.ReadLines($"/proc/{process}/net/{table}").Skip(1))
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(row => row[3] == Listens && sockets.Contains(row[9]))
                .Select(row => int.Parse(row[1].AsSpan(row[1].LastIndexOf(':') + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture))
                .Order(),
        ];
    }
}
