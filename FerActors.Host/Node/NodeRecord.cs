using System.Globalization;
using FerActors.Shared.Options;

namespace FerActors.Host.Node;

/// <summary>What a node leaves beside its journal for a second one that is started in the same folder: its process, and where it can be joined.</summary>
internal static class NodeRecord
{
    private const string Alone = "alone";

    /// <summary>Writes it; a node that cannot is none the worse.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cluster">This node's options.</param>
    public static void Write(string path, ClusterOptions cluster)
    {
        try
        {
            File.WriteAllLines(
                path,
                [Environment.ProcessId.ToString(CultureInfo.InvariantCulture), cluster.Alone ? Alone : string.Join(',', cluster.SeedNodes)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The second node is then told less.
        }
    }

    /// <summary>What a person is told who started a second node on the same journal.</summary>
    /// <param name="path">The record of the first.</param>
    /// <param name="journal">The journal.</param>
    public static string Refusal(string path, string journal)
    {
        var lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        var owner = lines is [var id, ..] ? $"process {id}" : "another process";
        var remedy = lines is [_, var seeds] && seeds != Alone
            ? $"To join it, start this node with{Environment.NewLine}  {Joining(seeds)}{Environment.NewLine}"
            : "That node is alone. For several nodes on this machine, stop it and start it again with" + Environment.NewLine
                + $"  fer host --set Cluster:Alone=false --set Cluster:Port=5055 --set Cluster:SeedNodes=127.0.0.1:5055{Environment.NewLine}"
                + $"and every further one with{Environment.NewLine}  {Joining("127.0.0.1:5055")}{Environment.NewLine}";
        return $"The journal '{journal}' belongs to the node of {owner}. {remedy}"
            + "A node that has nothing to do with it needs a folder of its own (Persistence:ConnectionString, Registry:Root, Training:RunsFolder).";
    }

    private static string Joining(string seeds) =>
        $"fer host --set Cluster:Alone=false --set Cluster:SeedNodes={seeds} --set Cluster:Roles=inference";
}
