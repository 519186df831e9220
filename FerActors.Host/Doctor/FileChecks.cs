using System.Globalization;
using FerActors.Shared.Cluster;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using Microsoft.Data.Sqlite;

namespace FerActors.Host.Doctor;

/// <summary>The folders that a node with these options writes: whether this user may, and how much space is left. No file is made.</summary>
internal static class FileChecks
{
    private const long Scarce = 1L << 30;
    private const long Least = 100L << 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public static IEnumerable<Check> All(FerOptions options) =>
        Folders(options).DistinctBy(folder => Path.GetFullPath(folder.Path)).Select(folder => Check.Of($"folder {folder.Option}", Limit, () => [Look(folder.Option, folder.Path)]));

    private static IEnumerable<(string Option, string Path)> Folders(FerOptions options)
    {
        var (control, training) = (options.Cluster.Has(NodeRoles.Control), options.Cluster.Has(NodeRoles.Training));
        if ((control || training) && options.Persistence.Provider == PersistenceProvider.Sqlite)
        {
            yield return ("Persistence:ConnectionString", Path.GetDirectoryName(Path.GetFullPath(new SqliteConnectionStringBuilder(options.Persistence.ReadConnectionString()).DataSource))!);
        }

        if (control || options.Cluster.Has(NodeRoles.Inference))
        {
            yield return ("Registry:Root", options.Registry.Root);
        }

        if (training)
        {
            yield return ("Training:RunsFolder", options.Training.RunsFolder);
        }

        if (control && options.Feedback.Enabled)
        {
            yield return ("Feedback:Folder", options.Feedback.Folder);
        }

        if (options.Cluster.Has(NodeRoles.Inference) && options.Retention.Enabled)
        {
            yield return ("Retention:Folder", options.Retention.Folder);
        }

        if (options.Control is { Enabled: true, Socket.Length: > 0 })
        {
            yield return ("Control:Socket", Path.GetDirectoryName(Path.GetFullPath(options.Control.Socket))!);
        }

        if (options.Seq is { Enabled: true, BufferPath.Length: > 0 })
        {
            yield return ("Seq:BufferPath", Path.GetDirectoryName(Path.GetFullPath(options.Seq.BufferPath))!);
        }
    }

    internal static Finding Look(string option, string folder)
    {
        var name = $"folder {option}";
        var full = Path.GetFullPath(folder);
        var there = full;
        while (!Directory.Exists(there))
        {
            if (File.Exists(there))
            {
                return Finding.Failure(name, $"'{there}' is a file, not a folder.", $"Set {option} to another place.");
            }

            there = Path.GetDirectoryName(there) ?? Path.GetPathRoot(full)!;
        }

        if (FolderAccess.Refusal(there) is { } cause)
        {
            return Finding.Failure(name, $"The user '{Environment.UserName}' cannot write in '{there}': {cause}.", $"Give the user the right to, mount it writable, or set {option} to another place.");
        }

        var free = new DriveInfo(there).AvailableFreeSpace;
        var text = string.Create(
            CultureInfo.InvariantCulture, $"'{full}' {(there == full ? "can be written" : "does not exist yet and can be made")}; {free / (double)(1 << 30):0.0} GiB are free.");
        return free < Least ? Finding.Failure(name, text, "Make space: journal, models and runs need it.")
            : free < Scarce ? Finding.Warning(name, text, "Make space: journal, models and runs need it.")
            : Finding.Ok(name, text);
    }
}
