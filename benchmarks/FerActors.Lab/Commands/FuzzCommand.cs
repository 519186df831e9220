using System.CommandLine;
using System.Globalization;
using System.Text;
using FerActors.Host.Operator;
using FerActors.Lab.Bench;
using FerActors.Lab.Fuzzing;
using FerActors.Shared.Options;
using FerActors.Vision.Native;

namespace FerActors.Lab.Commands;

/// <summary><c>fer-lab fuzz</c>: gives everything that reads what strangers send damaged inputs, and counts what became of them.</summary>
internal static class FuzzCommand
{
    public static Command Create()
    {
        var targets = new Argument<string[]>("targets")
        {
            Description = $"Of {string.Join(", ", FuzzTargets.Names)}; absent: all.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        targets.AcceptOnlyFromAmong([.. FuzzTargets.Names]);
        var count = new Option<int>("--count") { Description = "Inputs of each target.", DefaultValueFactory = _ => 10_000 };
        var seed = new Option<int>("--seed") { Description = "The same seed makes the same inputs.", DefaultValueFactory = _ => 1 };
        var keep = new Option<string>("--keep") { Description = "Folder for inputs that must not be.", DefaultValueFactory = _ => "out/fuzz" };
        var output = new Option<string?>("--output") { Description = "File for the table in Markdown." };
        var worker = new Option<bool>("--worker") { Description = "Tries the inputs of one target in this process.", Hidden = true };
        var first = new Option<int>("--first") { Description = "The first input's number.", Hidden = true };
        var command = new Command("fuzz", "Fuzzes all that reads what strangers send. Exit code 1: something did what it must not.")
        {
            targets,
            count,
            seed,
            keep,
            output,
            worker,
            first,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            NativeEnvironment.LimitPixels(new ImageLimitsOptions().MaxPixels);
            var names = parsed.GetValue(targets) is { Length: > 0 } some ? some : [.. FuzzTargets.Names];
            if (parsed.GetValue(worker))
            {
                FuzzWorker.Run(
                    FuzzTargets.Create(names.Single()), parsed.GetValue(seed), parsed.GetValue(first), parsed.GetValue(count), Console.Out);
                return 0;
            }

            var run = new FuzzRun(parsed.GetValue(seed), parsed.GetValue(count), parsed.GetValue(keep)!);
            var tallies = new List<FuzzTally>();
            foreach (var name in names)
            {
                tallies.Add(await run.RunAsync(name, cancellation));
                await Console.Error.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture, $"{name}: {tallies[^1].Inputs} inputs in {tallies[^1].Seconds:0.0} s, clean: {tallies[^1].Clean}"));
            }

            var table = Table(tallies);
            MarkdownScreen.Write(table);
            foreach (var finding in tallies.SelectMany(t => t.Findings))
            {
                Console.WriteLine(finding);
            }

            if (parsed.GetValue(output) is { } file)
            {
                await File.WriteAllTextAsync(file, table, cancellation);
            }

            return tallies.All(t => t.Clean) ? 0 : 1;
        });
        return command;
    }

    private static string Table(IEnumerable<FuzzTally> tallies)
    {
        var text = new StringBuilder();
        BenchReport.Table(
            text,
            ["Target", "Reads", "Inputs", "Accepted", "Refused with its documented error", "Other exceptions", "Crashes", "Hangs", "Peak memory, MiB"],
            tallies.Select(t => new[]
            {
                t.Target,
                t.Reads,
                Number(t.Inputs),
                Number(t.Accepted),
                $"{Number(t.Refused)} ({t.Refusal})",
                Number(t.Others),
                Number(t.Crashes),
                Number(t.Hangs),
                Number(t.PeakMiB),
            }));
        return text.ToString().TrimEnd();
    }

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
