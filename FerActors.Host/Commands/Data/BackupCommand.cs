using System.CommandLine;
using System.Globalization;
using FerActors.Host.Backups;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;

namespace FerActors.Host.Commands.Data;

/// <summary><c>fer backup</c> and <c>fer restore</c>: a node's journal and registry as one file, and back.</summary>
internal static class BackupCommand
{
    public static Command CreateBackup()
    {
        var file = new Argument<string>("file") { Description = "New file for the archive (tar), which only you may read." };
        var runs = new Option<bool>("--runs") { Description = "Training runs with their checkpoints too. Stop the node first, or a run in progress is cut." };
        var feedback = new Option<bool>("--feedback") { Description = "What people said of results, too." };
        var without = new Option<bool>("--without-journal") { Description = "The folders alone, where the journal is in PostgreSQL." };
        var command = new Command("backup", "Writes journal and registered versions of this node into one archive with digests. The node may run.") { file, runs, feedback, without };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var layout = BackupLayout.Of(FerConfiguration.Read(configuration.Build(parsed)));
            if (layout.Journal is null && !parsed.GetValue(without))
            {
                throw new UsageException(
                    "The journal is in PostgreSQL: save it with pg_dump (pg_dump -Fc -f journal.dump DATABASE) before this command, "
                    + "and give --without-journal here for the registry's folder.");
            }

            string[] words =
            [
                BackupLayout.Registry,
                .. parsed.GetValue(runs) ? [BackupLayout.Runs] : Array.Empty<string>(),
                .. parsed.GetValue(feedback) ? [BackupLayout.Feedback] : Array.Empty<string>(),
            ];
            var path = parsed.GetRequiredValue(file);
            var writer = new BackupWriter(parsed.GetValue(without) ? layout with { Journal = null } : layout, TimeProvider.System);
            await using (new ElapsedLine(() => Said(writer.Progress)))
            {
                await writer.WriteAsync(path, words, cancellation);
            }

            parsed.InvocationConfiguration.Output.WriteLine($"{Path.GetFullPath(path)}: {Said(writer.Progress)}.");
            return 0;
        });
        return command;
    }

    public static Command CreateRestore()
    {
        var file = new Argument<string>("file") { Description = "Archive of 'fer backup'." };
        var command = new Command("restore", "Puts an archive's journal and versions where this node looks for them. The node is stopped; nothing that exists is replaced.") { file };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var reader = new BackupReader(BackupLayout.Of(FerConfiguration.Read(configuration.Build(parsed))));
            DateTimeOffset made;
            await using (new ElapsedLine(() => Said(reader.Progress)))
            {
                made = await reader.ReadAsync(parsed.GetRequiredValue(file), cancellation);
            }

            parsed.InvocationConfiguration.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Said(reader.Progress)}, as of {made:u}. Start the node."));
            return 0;
        });
        return command;
    }

    private static string Said((int Files, long Bytes) progress) =>
        string.Create(CultureInfo.InvariantCulture, $"{progress.Files} files, {progress.Bytes / (double)(1 << 20):0.0} MiB");
}
