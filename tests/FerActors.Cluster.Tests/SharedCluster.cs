using FerActors.Host.Operator;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Testing.Processes;

namespace FerActors.Cluster.Tests;

/// <summary>A cluster of three inference nodes that many faults meet one after another; the first one has it started.</summary>
public sealed class SharedCluster(BrokerNode broker) : IAsyncLifetime
{
    internal const string First = "shipped";
    internal const string Second = "warm";

    private NodeQueues? _queues;
    private ProcessCluster? _cluster;

    public PostgresNode Database { get; } = new();

    internal NodeQueues Queues => _queues!;

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>The cluster, which serves <see cref="First"/> at the start and has <see cref="Second"/> too.</summary>
    internal async Task<ProcessCluster> StartedAsync()
    {
        if (_cluster is not null)
        {
            return _cluster;
        }

        await Database.InitializeAsync();
        Skip.If(Database.Absence.Length > 0, Database.Absence);
        _queues = await NodeQueues.DeclareAsync(broker);
        _cluster = await ProcessCluster.StartAsync(
            Queues, await Database.CreateDatabaseAsync(), ProcessCluster.SeparateRoles, inference: 3);
        using var folders = new ModelFolders();
        await _cluster.Control.DoAsync(new ModelRequests.Register(First, Surroundings.ShippedModel));
        await _cluster.Control.DoAsync(new ModelRequests.Register(Second, folders.Warm));
        await _cluster.Control.DoAsync(new ModelRequests.Promote(First));
        await _cluster.Control.FleetWhen(fleet => fleet.Converged && fleet.Nodes.Count == 3);
        return _cluster;
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
            await Queues.DisposeAsync();
        }

        await Database.DisposeAsync();
    }
}
