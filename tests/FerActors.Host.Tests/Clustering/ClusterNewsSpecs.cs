using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Clustering;

/// <summary>What a node writes while others come and die.</summary>
public sealed class ClusterNewsSpecs : IDisposable
{
    private readonly NodeData _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Each_thing_that_happens_to_a_member_is_one_sentence_and_nothing_of_Akka_s_own_is_between()
    {
        var port = FreePort.Find();
        await using var seed = Start(port, $"Cluster:Port={port}", "Cluster:Roles=control,training");
        await seed.SaidAsync("The model registry runs on this node now");
        await seed.SaidAsync("The training supervisor runs on this node now");
        await using (var other = Start(port, "Cluster:Roles=api"))
        {
            await seed.SaidAsync("has joined with the roles api");
            other.Signal("KILL");
            await other.ExitAsync();
        }

        await seed.SaidAsync("was removed from the cluster: it was lost");
        seed.Signal("TERM");
        Assert.Equal(0, await seed.ExitAsync());

        // No broker is there, either, which is told at moments of its own.
        var lines = seed.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.Contains("RabbitMq:Uri", StringComparison.Ordinal))
            .ToList();
        var from = lines.FindIndex(line => line.Contains("does not answer; it is removed where that lasts 1 s", StringComparison.Ordinal));
        Assert.True(from > 0, seed.Errors);
        Assert.True(
            lines[from + 1].Contains("was removed from the cluster: it was lost", StringComparison.Ordinal), string.Join('\n', lines[from..]));
        Assert.All(
            ["gated", "UNREACHABLE", "Association", "Leader", "Singleton", "Oldest", "Remoting", "   at "],
            word => Assert.DoesNotContain(lines, line => line.Contains(word, StringComparison.Ordinal)));
    }

    private FerProcess Start(int seed, params string[] settings) => FerProcess.Start(
    [
        "host",
        .. _data.Settings
            .Concat(settings)
            .Concat(
            [
                "Cluster:Alone=false",
                FormattableString.Invariant($"Cluster:SeedNodes=127.0.0.1:{seed}"),
                "Cluster:SplitBrainRole=control",
                "Cluster:SplitBrainStableAfter=00:00:01",
                "Cluster:SeedNodeTimeout=00:00:01",
                "Cluster:AcceptableHeartbeatPause=00:00:03",
                $"Cluster:CertificateFolder={Path.Combine(_data.Folder, "cluster")}",
                "Health:Port=0",
                "Control:Enabled=false",
                "RabbitMq:Uri=amqp://fer:s3cret@127.0.0.1:1/",
            ])
            .SelectMany(setting => new[] { "--set", setting }),
    ]);
}
