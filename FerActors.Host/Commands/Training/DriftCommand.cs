using System.CommandLine;
using FerActors.Host.Commands.Line;
using FerActors.Host.Operator;
using FerActors.Shared.Drift;
using FerActors.Shared.Options;
using FerActors.Training.Data;
using FerActors.Training.Drift;
using FerActors.Vision.Model;

namespace FerActors.Host.Commands.Training;

/// <summary><c>fer drift</c>: makes a model's drift reference, and shows what the monitor says of streams whose drift is known.</summary>
internal static class DriftCommand
{
    public static Command Create() => new("drift", "Drift of the world from what a model was made for.") { Reference(), Simulate() };

    private static Option<string> Data() => new("--data") { Description = "fer2013.csv, plain or .gz or .zip, or an image folder.", Required = true };

    private static Option<string> Model() => new("--model") { Description = "Model folder.", Required = true };

    private static Command Reference()
    {
        var (data, model) = (Data(), Model());
        var split = new Option<FerUsage>("--split") { Description = "Images the model was not trained on.", DefaultValueFactory = _ => FerUsage.PublicTest };
        var command = new Command("reference", $"Writes {DriftReference.FileName} into the model folder.") { data, model, split };
        command.SetAction(async (parsed, cancellation) =>
        {
            var folder = parsed.GetRequiredValue(model);
            using var checkpoint = VitCheckpoint.Load(folder);
            var all = await FerDataSource.OpenAsync(parsed.GetRequiredValue(data), cancellationToken: cancellation);
            var usage = parsed.GetValue(split);
            var images = all.Where(usage);
            if (images.Count == 0)
            {
                throw new InvalidDataException($"The data has no {usage} images.");
            }

            var reference = await OnItsOwnThread(() => DriftReferences.Build(checkpoint, images, usage), cancellation);
            await DriftReferences.WriteAsync(folder, reference, cancellation);
            Console.WriteLine($"{Path.Combine(folder, DriftReference.FileName)}: {reference.Images} images of {reference.Split}");
            return 0;
        });
        return command;
    }

    private static Command Simulate()
    {
        var (data, model) = (Data(), Model());
        var change = new Option<string[]>("--change")
        {
            Description = $"A change of the world, any number of times: {string.Join(", ", ImageChange.Usual)} (the default are these three).",
        };
        var window = new Option<int?>("--window") { Description = "Faces in the sliding window." };
        var seed = new Option<ulong>("--seed") { DefaultValueFactory = _ => 1 };
        var command = new Command("simulate", "Runs unchanged and changed streams through the drift monitor.") { data, model, change, window, seed };
        command.SetAction(async (parsed, cancellation) =>
        {
            var given = parsed.GetValue(change) is { Length: > 0 } some ? some : ImageChange.Usual;
            var changes = UsageException.Reading(() => given.Select(ImageChange.Parse).ToList());
            var options = new DriftOptions();
            if (parsed.GetValue(window) is { } faces)
            {
                options = options with { Window = faces, MinSamples = Math.Min(options.MinSamples, faces) };
            }

            if (options.Validate() is { Count: > 0 } mistakes)
            {
                throw new UsageException(string.Join(' ', mistakes));
            }

            using var checkpoint = VitCheckpoint.Load(parsed.GetRequiredValue(model));
            var all = await FerDataSource.OpenAsync(parsed.GetRequiredValue(data), cancellationToken: cancellation);
            var outcomes = await OnItsOwnThread(
                () => DriftSimulation.Run(checkpoint, all, options, changes, parsed.GetValue(seed), cancellation), cancellation);
            MarkdownScreen.Write(DriftSimulation.Table(outcomes));
            foreach (var outcome in outcomes)
            {
                var alert = outcome.AlertsAfter is { } after ? $"alert after {after} faces" : "no alert";
                Console.WriteLine($"{outcome.Name}: {alert}");
            }

            return 0;
        });
        return command;
    }

    // For OpenMP's sake (see Trainer).
    private static Task<T> OnItsOwnThread<T>(Func<T> work, CancellationToken cancellation) =>
        Task.Factory.StartNew(work, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
