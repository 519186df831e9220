using System.Net;
using System.Net.Sockets;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;

namespace FerActors.Cluster.Tests;

/// <summary>A cluster of <c>fer host</c> processes on loopback, with its queues on a real broker and its journal in a real database.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fer-cluster-").FullName;
    private readonly int _seedPort = FreePort();
    private readonly NodeQueues _queues;
    private readonly string _database;
    private readonly List<ClusterNode> _nodes = [];

    private ProcessCluster(NodeQueues queues, string database) => (_queues, _database) = (queues, database);

    public IReadOnlyList<ClusterNode> Inference => [.. _nodes.Where(node => node.Role == NodeRoles.Inference)];

    public ClusterNode Control => _nodes.Single(node => node.Role == NodeRoles.Control);

    public ClusterNode Training => _nodes.Single(node => node.Role == NodeRoles.Training);

    /// <summary>Starts a control node, which is the seed, a training node and inference nodes, and waits until all are ready.</summary>
    public static async Task<ProcessCluster> StartAsync(NodeQueues queues, string database, int inference)
    {
        var cluster = new ProcessCluster(queues, database);
        cluster.Join(NodeRoles.Control);
        cluster.Join(NodeRoles.Training);
        for (var i = 0; i < inference; i++)
        {
            cluster.Join(NodeRoles.Inference);
        }

        try
        {
            // The first that fails ends the wait: without a seed, the others would go on for minutes.
            await foreach (var ready in Task.WhenEach(cluster._nodes.Select(node => node.BecomesReadyAsync())))
            {
                await ready;
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a further node; it is not ready yet.</summary>
    public ClusterNode Join(string role)
    {
        // A majority of all would be lost with few nodes; as in k8s/, those of the role control decide.
        string[] settings =
        [
            "Cluster:Alone=false",
            $"Cluster:SeedNodes:0=akka.tcp://{ClusterOptions.SystemName}@127.0.0.1:{_seedPort}",
            $"Cluster:Port={(role == NodeRoles.Control ? _seedPort : 0)}",
            $"Cluster:Roles:0={role}",
            "Cluster:SplitBrainRole=control",
            "Cluster:SplitBrainStableAfter=00:00:05",
            "Cluster:SeedNodeTimeout=00:00:03",
            "Persistence:Provider=PostgreSql",
            $"Persistence:ConnectionString={_database}",
            $"Registry:Root={Path.Combine(_folder, "registry")}",
            $"Training:RunsFolder={Path.Combine(_folder, "runs")}",
            $"Feedback:Folder={Path.Combine(_folder, "feedback")}",
            "RabbitMq:Prefetch=16",
            "Model:Threads=1",
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "Control:Enabled=false",
        ];
        var process = FerProcess.Start(["host", .. _queues.Arguments, .. settings.SelectMany(setting => new[] { "--set", setting })]);
        var node = new ClusterNode(role, process);
        _nodes.Add(node);
        return node;
    }

    // The seed's address is in the others' options before it listens; another process could take the port in between.
    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
