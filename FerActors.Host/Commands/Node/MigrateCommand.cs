using System.CommandLine;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.Node;

namespace FerActors.Host.Commands.Node;

/// <summary><c>fer migrate</c>: makes the journal's tables, for a job before the nodes start.</summary>
internal static class MigrateCommand
{
    public static Command Create()
    {
        var timeout = new Option<double>("--timeout") { Description = "Seconds that the database may take.", DefaultValueFactory = _ => 60 };
        var command = new Command("migrate", "Creates the tables of journal and snapshots where they are absent. Exit code 0: they can be read.") { timeout };
        var configuration = new ConfigurationArguments(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var root = configuration.Build(parsed);
            var options = FerConfiguration.Read(root).Persistence;
            await JournalTables.EnsureAsync(options, root, TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(timeout), 1, 3600)), cancellation);
            Console.WriteLine($"{options}: the tables are there.");
            return 0;
        });
        return command;
    }
}
