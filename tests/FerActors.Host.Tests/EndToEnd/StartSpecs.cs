using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.EndToEnd;

/// <summary>Nodes as processes that cannot start, or are told to stop while they do.</summary>
public sealed class StartSpecs : IDisposable
{
    private readonly NodeData _data = new();

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData("Node ")]
    [InlineData("Health at")]
    public async Task A_node_that_is_told_to_stop_while_it_starts_ends_with_exit_code_0_and_one_sentence(string after)
    {
        await using var node = Start("Cluster:Roles=control,training,inference", "Health:Port=0", "Logging:Level=Information");
        await node.SaidAsync(after);

        node.Signal("TERM");

        var code = await node.ExitAsync();
        Assert.True(code == 0, $"exit code {code}\n{node.Errors}");
        Assert.Contains("told to stop before it had started", node.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", node.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", node.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_another_process_has_is_one_sentence_before_anything_has_started()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        string[][] starts =
        [
            ["Cluster:Roles=api", $"Health:Port={port}"],
            ["Cluster:Roles=api", $"Api:Urls=http://127.0.0.1:{port}"],
            ["Cluster:Roles=api", "Cluster:Alone=false", $"Cluster:Port={port}", $"Cluster:SeedNodes=127.0.0.1:{port}"],
        ];

        foreach (var start in starts)
        {
            await using var node = Start(start);
            Assert.Equal(1, await node.ExitAsync());
            var line = Assert.Single(node.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Matches($"^fer: (Health:Port|Api:Urls|Cluster:Port): another process listens on 127.0.0.1:{port}", line);
        }
    }

    [Fact]
    public async Task A_second_node_in_one_folder_is_told_the_command_by_which_it_joins()
    {
        await using var first = Start("Cluster:Roles=control", "Health:Port=0");
        await first.SaidAsync("Health at");

        await using var second = Start("Cluster:Roles=control", "Health:Port=0");

        Assert.Equal(1, await second.ExitAsync());
        Assert.Contains($"process {first.Id}", second.Errors, StringComparison.Ordinal);
        Assert.Contains("  fer host --set Cluster:Alone=false --set Cluster:SeedNodes=127.0.0.1:5055 --set Cluster:Roles=inference", second.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_journal_that_is_no_database_is_one_sentence()
    {
        await File.WriteAllTextAsync(_data.Journal, new string('x', 8192));
        await using var node = Start("Cluster:Roles=control", "Health:Port=0");

        Assert.Equal(1, await node.ExitAsync());
        Assert.Contains($"The journal '{_data.Journal}' cannot be opened: the file is damaged or no database.", node.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", node.Errors, StringComparison.Ordinal);
    }

    private FerProcess Start(params string[] settings) => FerProcess.Start(
    [
        "host",
        .. _data.Settings
            .Concat(settings)
            .Concat(
            [
                $"Control:Socket={Path.Combine(_data.Folder, "c.sock")}",
                $"Model:Path={Surroundings.ShippedModel}",
                $"Cluster:CertificateFolder={Path.Combine(_data.Folder, "cluster")}",
            ])
            .SelectMany(setting => new[] { "--set", setting }),
    ]);
}
