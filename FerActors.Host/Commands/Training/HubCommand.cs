using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FerActors.Host.Operator;
using FerActors.Training.Hub;
using Spectre.Console;

namespace FerActors.Host.Commands.Training;

/// <summary><c>fer hub</c>: checkpoints of the Hugging Face Hub, in the cache that Python's tools share.</summary>
internal static class HubCommand
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Create() => new("hub", "Fetches and lists models of the Hugging Face Hub (HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE).")
    {
        Fetch(),
        List(),
    };

    private static Command Fetch()
    {
        var model = new Argument<string>("model") { Description = "org/name, or org/name@revision (branch, tag, refs/pr/N or commit)." };
        var json = new Option<bool>("--json") { Description = "Prints an object instead of the folder." };
        var copy = new Option<string?>("--copy") { Description = "Also copies the files here, for the model registry, which takes no links." };
        var command = new Command("fetch", "Brings a model into the cache and prints its folder. Stopped, it goes on with the next call.") { model, json, copy };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var client = new HubClient(HubOptions.FromEnvironment());
            var id = HubModelId.Parse(parsed.GetRequiredValue(model));

            // The bars go to standard error: what is printed is for scripts.
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            var snapshot = await console.Progress()
                .Columns(
                    new TaskDescriptionColumn { Alignment = Justify.Left },
                    new ProgressBarColumn(),
                    new DownloadedColumn(),
                    new TransferSpeedColumn(),
                    new RemainingTimeColumn())
                .StartAsync(context => client.FetchAsync(id, new Bars(context), cancellation));
            if (snapshot.Unconfirmed is { } why)
            {
                await Console.Error.WriteLineAsync($"From the cache, not confirmed by the Hub: {why}");
            }

            if (parsed.GetValue(copy) is { } folder)
            {
                await snapshot.CopyToAsync(folder, cancellation);
            }

            Console.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(
                    new { model = id.Repository, id.Revision, snapshot.Commit, snapshot.Folder, snapshot.Files, confirmed = snapshot.Unconfirmed is null },
                    Json)
                : snapshot.Folder);
            return 0;
        });
        return command;
    }

    private static Command List()
    {
        var json = new Option<bool>("--json") { Description = "Prints an array instead of a table." };
        var command = new Command("list", "Lists the models in the cache.") { json };
        command.SetAction(parsed =>
        {
            var options = HubOptions.FromEnvironment();
            var models = new HubCache(options.CacheFolder).List();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(models, Json));
                return 0;
            }

            var rows = models.SelectMany(entry => entry.Commits.Select(commit => (string[])
            [
                entry.Repository,
                string.Join(", ", commit.Revisions),
                commit.Commit[..Math.Min(12, commit.Commit.Length)],
                string.Join(", ", commit.Files),
                string.Create(CultureInfo.InvariantCulture, $"{entry.Bytes / 1e6:0.0}"),
            ])).ToList();
            TablePrinter.Write(new ReplyTable(null, ["Model", "Revisions", "Commit", "Files", "MB"], rows) { Prose = ["Revisions", "Files"] });
            Console.WriteLine(options.CacheFolder);
            return 0;
        });
        return command;
    }

    private sealed class Bars(ProgressContext context) : IProgress<HubProgress>
    {
        private readonly Dictionary<string, ProgressTask> _tasks = [];

        public void Report(HubProgress value)
        {
            lock (_tasks)
            {
                if (value.Note is { } note)
                {
                    Console.Error.WriteLine(note);
                    return;
                }

                if (!_tasks.TryGetValue(value.File, out var task))
                {
                    _tasks[value.File] = task = context.AddTask(Markup.Escape(value.File), maxValue: Math.Max(1, value.Total));
                }

                task.Value = value.Total == 0 ? 1 : value.Bytes;
            }
        }
    }
}
