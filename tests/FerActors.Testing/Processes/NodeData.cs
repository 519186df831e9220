using Microsoft.Data.Sqlite;

namespace FerActors.Testing.Processes;

/// <summary>A folder of its own for everything that a node keeps: journal, versions, runs.</summary>
public sealed class NodeData : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("fer-node-").FullName;

    public string Journal => Path.Combine(Folder, "journal.db");

    public string Versions => Path.Combine(Folder, "registry");

    public string Runs => Path.Combine(Folder, "runs");

    /// <summary>What names the folders, for <c>--set</c>.</summary>
    public string[] Settings =>
    [
        $"Persistence:ConnectionString=Data Source={Journal}",
        $"Registry:Root={Versions}",
        $"Training:RunsFolder={Runs}",
        $"Feedback:Folder={Path.Combine(Folder, "feedback")}",
    ];

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(Folder, recursive: true);
    }
}
