using Akka.Hosting;
using FerActors.Control.Persistence;
using FerActors.Shared.Cluster;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using Microsoft.Data.Sqlite;

namespace FerActors.Host.Node;

/// <summary>The journal of a node whose roles write one. A file belongs to one node: a lock beside it keeps a second one out.</summary>
/// <remarks>Two nodes alone that write one file would each refuse what the other wrote, hours after the mistake was made.</remarks>
public sealed class NodeJournal
{
    private readonly PersistenceOptions _options;
    private readonly FileStream? _lock;

    private NodeJournal(PersistenceOptions options, FileStream? held) => (_options, _lock) = (options, held);

    /// <summary>Takes the journal's file where there is one.</summary>
    /// <returns><see langword="null"/> where the node's roles write no journal.</returns>
    /// <exception cref="IOException">Another node of this machine has it, or its folder cannot be written.</exception>
    /// <exception cref="FormatException">The connection string is none.</exception>
    public static NodeJournal? Prepare(FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.Cluster.Has(NodeRoles.Control) && !options.Cluster.Has(NodeRoles.Training))
        {
            return null;
        }

        var persistence = options.Persistence;
        return new NodeJournal(
            persistence,
            persistence.Provider == PersistenceProvider.Sqlite
                ? Take(new SqliteConnectionStringBuilder(persistence.ReadConnectionString()).DataSource, options.Cluster)
                : null);
    }

    /// <summary>Adds journal and snapshots; the file is free again when the system has ended.</summary>
    public void AddTo(AkkaConfigurationBuilder akka)
    {
        ArgumentNullException.ThrowIfNull(akka);
        akka
            .WithFerPersistence(_options)
            .AddStartup((system, _) => system.RegisterOnTermination(() => _lock?.Dispose()));
    }

    // Whatever ends the process ends the lock.
    private static FileStream Take(string database, ClusterOptions cluster)
    {
        var path = Path.GetFullPath(database);
        var record = path + ".node";
        var held = FileLock.TryTake(path + ".lock") ?? throw new IOException(NodeRecord.Refusal(record, path));
        NodeRecord.Write(record, cluster);
        return held;
    }
}
