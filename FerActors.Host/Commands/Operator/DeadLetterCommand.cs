using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FerActors.Host.Commands.Line;
using FerActors.Host.Configuration;
using FerActors.Host.DeadLetters;
using FerActors.Host.Operator;

namespace FerActors.Host.Commands.Operator;

/// <summary><c>fer dead-letter</c>: what could not be answered: look at it, send it back, delete it. Talks to the broker; no node has to run.</summary>
internal static class DeadLetterCommand
{
    private const int DefaultLimit = 1000;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Command Create() =>
        new("dead-letter", "Messages that could not be answered: list, show, requeue, purge.") { List(), Show(), Requeue(), Purge() };

    private static Command List()
    {
        var limit = new Option<int>("--limit") { Description = "At most so many are shown.", DefaultValueFactory = _ => DefaultLimit };
        var json = new Option<bool>("--json") { Description = "Prints one JSON object a line." };
        var command = new Command("list", "Lists dead letters, the oldest first. They stay where they are.") { limit, json };
        var scope = new Scope(command);
        command.SetAction((parsed, cancellation) => scope.RunAsync(parsed, async (queue, filter) =>
        {
            var most = parsed.GetValue(limit) is > 0 and var given ? given : throw new UsageException("--limit is at least 1.");
            var found = await FindAsync(queue, filter, most, bodies: false, cancellation);
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                found.ForEach(letter => output.WriteLine(JsonSerializer.Serialize(Row(letter), Json)));
                return 0;
            }

            Print(output, found);
            output.WriteLine(found.Count == most
                ? $"The first {most} of those that match; '{queue.Name}' holds {queue.Waiting} messages. --limit shows more."
                : $"{found.Count} of {queue.Waiting} messages of '{queue.Name}'.");
            return 0;
        }, cancellation));
        return command;
    }

    private static Command Show()
    {
        var id = new Argument<string>("id") { Description = "Its message id, or the digest of its body as list shows it." };
        var save = new Option<string?>("--save") { Description = "New file for its body, which only you may read. It may be a picture of a person." };
        var command = new Command("show", "Shows the properties and headers of dead letters with an id. Their bodies are not shown.") { id, save };
        var scope = new Scope(command, filters: false);
        command.SetAction((parsed, cancellation) => scope.RunAsync(parsed, async (queue, _) =>
        {
            var wanted = parsed.GetRequiredValue(id);
            var found = await FindAsync(queue, new DeadLetterFilter(null, [wanted], null, null), int.MaxValue, bodies: parsed.GetValue(save) is not null, cancellation);
            if (found.Count == 0)
            {
                throw new InvalidDataException($"No dead letter of '{queue.Name}' has this id.");
            }

            var output = parsed.InvocationConfiguration.Output;
            var terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
            TablePrinter.Write(
                [.. found.Select(letter => new ReplyTable(null, ["", ""], [.. letter.Facts().Select(fact => new[] { fact.Name, fact.Value })]))],
                output,
                terminal,
                TablePrinter.WidthOf(terminal));
            if (parsed.GetValue(save) is { } file)
            {
                if (found.DistinctBy(letter => letter.Digest).Count() > 1)
                {
                    throw new InvalidDataException($"{found.Count} dead letters have this id; name one by its digest.");
                }

                await SaveAsync(file, found[0], cancellation);
                output.WriteLine($"{found[0].Bytes} bytes written to {Path.GetFullPath(file)}.");
            }

            return 0;
        }, cancellation));
        return command;
    }

    private static Command Requeue()
    {
        var all = new Option<bool>("--yes") { Description = "Without a filter: all of them." };
        var dry = new Option<bool>("--dry-run") { Description = "Shows which ones it would be, and leaves them." };
        var drop = new Option<bool>("--without-reply-to") { Description = "Their results go to the default queue for results. For a reply-to that is not allowed or gone." };
        var command = new Command(
            "requeue", "Sends dead letters back to the queue that they came for. One leaves the dead letters only after the broker has confirmed its copy there.")
        {
            all,
            dry,
            drop,
        };
        var scope = new Scope(command);
        command.SetAction((parsed, cancellation) => scope.RunAsync(
            parsed,
            (queue, filter) => SettleAsync(
                parsed, queue, Meant(filter, parsed.GetValue(all) || parsed.GetValue(dry)), parsed.GetValue(dry), $"sent back to '{queue.Origin}'",
                letter => queue.RequeueAsync(letter, parsed.GetValue(drop)), cancellation),
            cancellation));
        return command;
    }

    private static Command Purge()
    {
        var all = new Option<bool>("--yes") { Description = "Without a filter: all of them, also those that cannot be read." };
        var dry = new Option<bool>("--dry-run") { Description = "Shows which ones it would be, and leaves them." };
        var command = new Command("purge", "Deletes dead letters for good.") { all, dry };
        var scope = new Scope(command);
        command.SetAction((parsed, cancellation) => scope.RunAsync(
            parsed,
            async (queue, filter) =>
            {
                Meant(filter, parsed.GetValue(all) || parsed.GetValue(dry));
                if (filter.IsOpen && !parsed.GetValue(dry))
                {
                    parsed.InvocationConfiguration.Output.WriteLine($"{await queue.PurgeAsync(cancellation)} messages of '{queue.Name}' deleted.");
                    return 0;
                }

                return await SettleAsync(parsed, queue, filter, parsed.GetValue(dry), "deleted", _ => Task.CompletedTask, cancellation);
            },
            cancellation));
        return command;
    }

    private static async Task<int> SettleAsync(
        ParseResult parsed, DeadLetterQueue queue, DeadLetterFilter filter, bool dry, string what, Func<DeadLetter, Task> settle, CancellationToken cancellation)
    {
        var output = parsed.InvocationConfiguration.Output;
        if (dry)
        {
            var found = await FindAsync(queue, filter, int.MaxValue, bodies: false, cancellation);
            Print(output, found);
            output.WriteLine($"{found.Count} of {queue.Waiting} messages of '{queue.Name}' would be {what}.");
            return 0;
        }

        var done = 0;
        try
        {
            await using var elapsed = new ElapsedLine(() => $"{done} messages {what}");
            await queue.WalkAsync(
                async letter =>
                {
                    if (!filter.Matches(letter))
                    {
                        return DeadLetterStep.Keep;
                    }

                    await settle(letter);
                    done++;
                    return DeadLetterStep.Remove;
                },
                cancellation);
        }
        finally
        {
            output.WriteLine($"{done} of {queue.Waiting} messages of '{queue.Name}' {what}.");
        }

        return 0;
    }

    // Bodies are kept only where they are wanted: a queue may hold more than the memory.
    private static async Task<List<DeadLetter>> FindAsync(
        DeadLetterQueue queue, DeadLetterFilter filter, int most, bool bodies, CancellationToken cancellation)
    {
        var found = new List<DeadLetter>();
        var seen = 0;
        await using var elapsed = new ElapsedLine(() => $"{seen} of {queue.Waiting} messages looked at");
        await queue.WalkAsync(
            letter =>
            {
                seen++;
                if (filter.Matches(letter))
                {
                    found.Add(bodies ? letter : letter.WithoutBody());
                }

                return Task.FromResult(found.Count < most ? DeadLetterStep.Keep : DeadLetterStep.KeepAndEnd);
            },
            cancellation);
        return found;
    }

    private static void Print(TextWriter output, List<DeadLetter> letters)
    {
        if (letters.Count == 0)
        {
            return;
        }

        var terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        string[] columns = ["Id", "Reason", "Dead since", "From", "Bytes", "Requeued"];
        var rows = letters.Select(Row).Select(row => new[]
        {
            row.Id,
            row.Reason,
            row.DeadSince?.ToString("u", CultureInfo.InvariantCulture) ?? "",
            row.FromQueue ?? "",
            row.Bytes.ToString(CultureInfo.InvariantCulture),
            row.Requeued > 0 ? row.Requeued.ToString(CultureInfo.InvariantCulture) : "",
        });
        TablePrinter.Write([new ReplyTable(null, columns, [.. rows]) { Prose = ["Reason"], Spare = ["From"] }], output, terminal, TablePrinter.WidthOf(terminal));
    }

    private static async Task SaveAsync(string file, DeadLetter letter, CancellationToken cancellation)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var stream = new FileStream(file, options);
        await stream.WriteAsync(letter.Body, cancellation);
    }

    private static DeadLetterFilter Meant(DeadLetterFilter filter, bool all) => !filter.IsOpen || all
        ? filter
        : throw new UsageException("Say which dead letters are meant (--id, --reason, --older, --newer), or --yes for all of them.");

    private static DeadLetterRow Row(DeadLetter letter) =>
        new(letter.Id, letter.Digest, letter.Reason, letter.Since, letter.From, letter.Bytes, letter.Properties.ReplyTo, letter.Requeued);

    private sealed record DeadLetterRow(
        string Id, string Digest, string Reason, DateTimeOffset? DeadSince, string? FromQueue, int Bytes, string? ReplyTo, long Requeued);

    /// <summary>Which queue, and which of its messages.</summary>
    private sealed class Scope
    {
        private readonly Option<bool> _feedback = new("--feedback") { Description = "The dead letters of feedback in the place of those of images." };
        private readonly Option<string?> _reason = new("--reason") { Description = "Only those whose reason has this in it." };
        private readonly Option<string[]> _ids = new("--id") { Description = "Only the one with this message id or digest; may be given several times.", DefaultValueFactory = _ => [] };
        private readonly Option<string?> _older = new("--older") { Description = "Only those that have been dead for so long (90m, 12h, 7d) or since before a time (2026-03-01T12:00Z)." };
        private readonly Option<string?> _newer = new("--newer") { Description = "Only those that have become so within this time, or since a time." };
        private readonly ConfigurationArguments _configuration;

        public Scope(Command command, bool filters = true)
        {
            command.Add(_feedback);
            if (filters)
            {
                command.Add(_reason);
                command.Add(_ids);
                command.Add(_older);
                command.Add(_newer);
            }

            _configuration = new ConfigurationArguments(command);
        }

        public async Task<int> RunAsync(ParseResult parsed, Func<DeadLetterQueue, DeadLetterFilter, Task<int>> run, CancellationToken cancellation)
        {
            var now = DateTimeOffset.UtcNow;
            var filter = new DeadLetterFilter(
                parsed.GetValue(_reason),
                parsed.GetValue(_ids) ?? [],
                parsed.GetValue(_older) is { } older ? Moment.Read("--older", older, now) : null,
                parsed.GetValue(_newer) is { } newer ? Moment.Read("--newer", newer, now) : null);
            var options = FerConfiguration.Read(_configuration.Build(parsed)).RabbitMq;
            await using var queue = await DeadLetterQueue.OpenAsync(options, parsed.GetValue(_feedback), cancellation);
            return await run(queue, filter);
        }
    }
}
