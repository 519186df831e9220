using System.Globalization;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Clustering;

/// <summary>The three nodes of docs/cluster.md, started by the lines that stand there.</summary>
public sealed class DocumentedClusterSpecs : IDisposable
{
    private const string Start = "    ./run ";
    private const string Port = "5055";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-documented-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task The_lines_of_the_page_start_three_nodes_that_find_each_other()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "env -C is not known here.");
        var port = FreePort.Find().ToString(CultureInfo.InvariantCulture);
        var lines = File.ReadLines(Path.Combine(Surroundings.Root, "docs", "cluster.md"))
            .SkipWhile(line => line != "## Three nodes on one machine")
            .TakeWhile(line => line != "## Who may be a member")
            .Where(line => line.StartsWith(Start, StringComparison.Ordinal))
            .Select(line => line[Start.Length..].Replace(Port, port, StringComparison.Ordinal).Split(' '))
            .ToList();
        Assert.Equal(["host", "host", "host", "cluster"], lines.Select(words => words[0]));

        await using var first = Run(lines[0]);
        await first.SaidAsync("This node has joined the cluster");
        await using var second = Run(lines[1]);
        await using var third = Run(lines[2]);
        await ShowsAsync(lines[3], "3 members, 0 of them unreachable");

        Assert.True(File.Exists(Path.Combine(_folder, "data", "cluster", "tls.key")));
    }

    // What a checkout has beside the program, and no broker.
    private FerProcess Run(IEnumerable<string> words) => FerProcess.StartBehind(
        ["env", "-C", _folder],
        [.. words],
        ("FER_Model__Path", Surroundings.ShippedModel),
        ("FER_Detection__ModelFolders__0", Surroundings.Shared("models")),
        ("FER_Health__Port", "0"),
        ("FER_RabbitMq__Uri", "amqp://guest:guest@127.0.0.1:1/"));

    private async Task ShowsAsync(string[] words, string expected)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            await using var show = FerProcess.StartBehind(["env", "-C", _folder], words);
            var code = await show.ExitAsync();
            if (code == 0 && show.Output.Contains(expected, StringComparison.Ordinal))
            {
                return;
            }

            Assert.False(limit.IsCancellationRequested, show.Output + show.Errors);
        }
    }
}
