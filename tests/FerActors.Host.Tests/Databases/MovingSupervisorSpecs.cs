using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Registry;
using FerActors.Shared.Training;
using FerActors.Testing.Models;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Databases;

/// <summary>Two nodes of a cluster with one journal, of which the one that hosts the supervisor and the registry leaves.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class MovingSupervisorSpecs(PostgresNode postgres) : IDisposable
{
    private const string Options = """{"preset": "tiny", "epochs": 12, "batch_size": 8, "compute": "fp32", "threads": 1}""";

    private readonly NodeData _data = new();

    public void Dispose() => _data.Dispose();

    [SkippableFact]
    public async Task The_supervisor_moves_when_its_node_leaves_and_its_runs_and_the_registry_s_versions_are_as_they_were()
    {
        Skip.If(postgres.Absence.Length > 0, postgres.Absence);
        var connection = await postgres.CreateDatabaseAsync();
        var seed = $"akka.tcp://FerActors@127.0.0.1:{FreePort()}";
        var csv = SmallCsv.Write(Path.Combine(_data.Folder, "fer.csv"), 160, 21);
        var trained = new RunSpec(RunId.Parse("trained"), "trained", Options, csv, null, 0, ModelVersionId.Parse("v2"));
        var waiting = trained with { Id = RunId.Parse("waiting"), ModelVersion = ModelVersionId.Parse("v3") };
        var first = await StartAsync(connection, seed, new Uri(seed.Replace("akka.tcp", "http", StringComparison.Ordinal)).Port);
        await first.StatusWhen(s => s.Announced);
        await using var second = await StartAsync(connection, seed, port: 0);
        await MembersAsync(second, 2);
        await second.StatusWhen(_ => true);
        Assert.Empty((await second.RunsAsync()).Runs);

        var register = new RegistryCommands.Register(ModelVersionId.Parse("v1"), Surroundings.ShippedModel, ModelProvenance.Unknown);
        Assert.Equal(RegistryCode.Done, (await second.RegistryAsync(register)).Code);
        await second.RegistryAsync(new RegistryCommands.Promote(register.Version));
        await second.CommandAsync(new TrainingCommands.Submit(trained));
        await second.CommandAsync(new TrainingCommands.Submit(waiting));
        await second.CommandAsync(new TrainingCommands.Pause(waiting.Id));
        await second.RunWhen(waiting.Id, r => r.Run.State == RunState.Paused);
        await second.RunWhen(trained.Id, r => r.Run.LastEpoch is not null);

        await first.DisposeAsync();
        await MembersAsync(second, 1);

        var kept = await second.RunWhen(waiting.Id, _ => true);
        var ended = await second.RunWhen(trained.Id, r => r.Run.Confirmed || r.Run.State == RunState.Failed);
        var status = await second.StatusWhen(s => s.Announced);
        var resumed = await second.CommandAsync(new TrainingCommands.Resume(waiting.Id));

        Assert.Equal((RunState.Paused, waiting), (kept.Run.State, kept.Run.Spec));
        Assert.Equal((RunState.Registered, null, 0), (ended.Run.State, ended.Run.Failure, ended.Run.Crashes));
        Assert.Equal(12, ended.Run.LastEpoch!.Epoch);
        Assert.Equal(register.Version, status.Desired.Champion!.Version);
        Assert.Equal(CommandCode.Accepted, resumed.Code);
        Assert.Equal(
            ["v1", "v2"],
            (await second.Registry.Ask<ModelList>(RegistryQueries.List.Instance, ServiceNode.Patience)).Models.Select(m => m.Model.Version.Value));
    }

    private Task<ServiceNode> StartAsync(string connection, string seed, int port) => ServiceNode.StartAsync(
        _data,
        "Cluster:Alone=false",
        "Cluster:SeedNodeTimeout=00:00:01",
        $"Cluster:SeedNodes:0={seed}",
        FormattableString.Invariant($"Cluster:Port={port}"),
        "Cluster:Roles:0=control",
        "Cluster:Roles:1=training",
        "Persistence:Provider=PostgreSql",
        $"Persistence:ConnectionString={connection}");

    private static async Task MembersAsync(ServiceNode node, int count)
    {
        var cluster = Cluster.Get(node.System);
        using var limit = new CancellationTokenSource(ServiceNode.Patience);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (cluster.State.Members.Count != count || cluster.State.Members.Any(m => m.Status != MemberStatus.Up))
        {
            Assert.False(limit.IsCancellationRequested, $"The members stay {string.Join(", ", cluster.State.Members)}.");
            await again.WaitForNextTickAsync();
        }
    }

    // Every seed has to be named before the first one listens.
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
