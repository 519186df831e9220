using System.Net;
using System.Net.Sockets;
using FerActors.Host.Clustering;
using FerActors.Host.Operator;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;

namespace FerActors.Cluster.Tests;

/// <summary>A cluster of <c>fer host</c> processes, with its queues on a real broker and its journal in a real database.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private const string Certificates = "certificates";

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-cluster-").FullName;
    private readonly NodeQueues _queues;
    private readonly string _database;
    private readonly string _host;
    private readonly Queue<int> _seedPorts;
    private readonly IReadOnlyList<string> _seeds;
    private readonly List<ClusterNode> _nodes = [];
    private int _started;

    private ProcessCluster(NodeQueues queues, string database, string host, int seeds)
    {
        (_queues, _database, _host) = (queues, database, host);
        CertificateAuthority.Make(_folder, [Certificates], TimeSpan.FromDays(1), password: null);
        var ports = FreePorts(host, seeds);
        _seedPorts = new Queue<int>(ports);
        _seeds = [.. ports.Select(port => $"akka.tcp://{ClusterOptions.SystemName}@{host}:{port}")];
    }

    /// <summary>A control node and a training node; the former is the seed.</summary>
    public static IReadOnlyList<string> SeparateRoles { get; } = [NodeRoles.Control, NodeRoles.Training];

    /// <summary>Three seeds with both roles, as in k8s/.</summary>
    public static IReadOnlyList<string> ThreeSeeds { get; } = [.. Enumerable.Repeat($"{NodeRoles.Control}+{NodeRoles.Training}", 3)];

    /// <summary>In the order in which they were started; those that have ended too.</summary>
    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    public IReadOnlyList<ClusterNode> Inference => [.. _nodes.Where(node => node.Roles.Contains(NodeRoles.Inference))];

    /// <summary>The first seed.</summary>
    public ClusterNode Control => _nodes.First(node => node.Roles.Contains(NodeRoles.Control));

    /// <summary>Versions of the registry, which all nodes share.</summary>
    public string Versions => Path.Combine(_folder, "registry");

    /// <summary>Starts nodes and waits until all are ready.</summary>
    /// <param name="queues">Its queues.</param>
    /// <param name="database">Connection string of its journal.</param>
    /// <param name="others">The nodes that serve no images, each by its roles with a plus between them.</param>
    /// <param name="inference">How many nodes serve images.</param>
    /// <param name="host">The address of this machine that all nodes reach.</param>
    public static async Task<ProcessCluster> StartAsync(
        NodeQueues queues, string database, IReadOnlyList<string> others, int inference, string host = "127.0.0.1")
    {
        var cluster = new ProcessCluster(queues, database, host, others.Count(roles => Roles(roles).Contains(NodeRoles.Control)));
        foreach (var roles in others.Concat(Enumerable.Repeat(NodeRoles.Inference, inference)))
        {
            cluster.Join(roles);
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
    /// <param name="roles">Its roles, with a plus between them.</param>
    /// <param name="launcher">A program that becomes the node, with its arguments.</param>
    /// <param name="more">Settings beyond those of all nodes.</param>
    public ClusterNode Join(string roles, IReadOnlyList<string>? launcher = null, params IReadOnlyList<string> more)
    {
        var socket = Path.Combine(_folder, $"{_started++}.sock");

        // A majority of all would be lost with few nodes; as in k8s/, those of the role control decide.
        string[] settings =
        [
            "Cluster:Alone=false",
            $"Cluster:HostName={_host}",
            $"Cluster:Port={(Roles(roles).Contains(NodeRoles.Control) ? _seedPorts.Dequeue() : 0)}",
            $"Cluster:CertificateFile={CertificateOf(CertificateAuthority.CertificateName)}",
            $"Cluster:CertificateKeyFile={CertificateOf(CertificateAuthority.KeyName)}",
            $"Cluster:AuthorityFile={CertificateOf(CertificateAuthority.AuthorityName)}",
            "Cluster:SplitBrainRole=control",
            "Cluster:SplitBrainStableAfter=00:00:05",
            "Cluster:SeedNodeTimeout=00:00:03",
            "Persistence:Provider=PostgreSql",
            $"Persistence:ConnectionString={_database}",
            $"Registry:Root={Versions}",
            $"Training:RunsFolder={Path.Combine(_folder, "runs")}",
            $"Feedback:Folder={Path.Combine(_folder, "feedback")}",
            "RabbitMq:Prefetch=16",
            "RabbitMq:ReconnectMaxBackoff=00:00:02",
            "Model:Threads=1",
            "Model:Precision=fp32",
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            $"Control:Socket={socket}",
            .. _seeds.Select((seed, i) => $"Cluster:SeedNodes:{i}={seed}"),
            .. Roles(roles).Select((role, i) => $"Cluster:Roles:{i}={role}"),
            .. more,
        ];
        var process = FerProcess.StartBehind(
            launcher ?? [], ["host", .. _queues.Arguments, .. settings.SelectMany(setting => new[] { "--set", setting })]);
        var node = new ClusterNode(Roles(roles), socket, process);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Waits until the control node sees that many members.</summary>
    public Task HasMembersAsync(int members) => Control.ReplyWhen(
        new ClusterRequests.Show(), reply => reply.View is ClusterView view && view.Members.Count == members);

    /// <summary>Ends a node, and forgets it.</summary>
    public async Task RemoveAsync(ClusterNode node)
    {
        _nodes.Remove(node);
        await node.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string CertificateOf(string file) => Path.Combine(_folder, Certificates, file);

    private static string[] Roles(string roles) => roles.Split('+');

    // The seeds' addresses are in the others' options before they listen; another process could take a port in between.
    private static List<int> FreePorts(string host, int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Parse(host), 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        var ports = listeners.ConvertAll(listener => ((IPEndPoint)listener.LocalEndpoint).Port);
        listeners.ForEach(listener => listener.Dispose());
        return ports;
    }
}
