using System.Globalization;
using System.Text.RegularExpressions;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Clustering;

/// <summary>What a node opens to other processes.</summary>
public sealed partial class ListeningSpecs : IDisposable
{
    private readonly NodeData _data = new();

    public void Dispose() => _data.Dispose();

    [SkippableFact]
    public async Task A_node_that_is_alone_listens_for_its_health_and_for_nothing_else()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only Linux shows a process's sockets as files.");
        await using var node = FerProcess.Start(
        [
            "host",
            .. _data.Settings.Concat(["Cluster:Roles=control,training,api", "Health:Port=0", $"Control:Socket={Path.Combine(_data.Folder, "c.sock")}"])
                .SelectMany(setting => new[] { "--set", setting }),
        ]);
        await node.SaidAsync("Operators reach this node");

        var health = int.Parse(Port().Match(node.Errors).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

        Assert.Equal([health], ListeningPorts.Of(node.Id));
    }

    [GeneratedRegex(@"Health at http://127\.0\.0\.1:(\d+)/")]
    private static partial Regex Port();
}
