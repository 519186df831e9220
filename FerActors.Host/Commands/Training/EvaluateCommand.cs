using System.CommandLine;
using System.Globalization;
using System.Text;
using FerActors.Host.Commands.Data;
using FerActors.Host.Commands.Line;
using FerActors.Host.Operator;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Reporting;
using FerActors.Training.Robustness;
using FerActors.Training.Runs;
using FerActors.Vision.Model;

namespace FerActors.Host.Commands.Training;

/// <summary><c>fer evaluate</c>: judges a model folder on a split of the data.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "fer2013.csv, plain or .gz or .zip, or an image folder.", Required = true };
        var votes = new Option<string?>("--votes") { Description = "The votes of FER+ beside the data, fer2013new.csv; the figures against them are added." };
        var model = new Option<string>("--model") { Description = "Model folder.", Required = true };
        var split = new Option<FerUsage>("--split") { Description = "Which images.", DefaultValueFactory = _ => FerUsage.PublicTest };
        var flip = new Option<bool>("--flip") { Description = "Averages each image and its mirror image." };
        var json = new Option<bool>("--json") { Description = "Prints metrics.json instead of the tables." };
        var report = new Option<string?>("--report") { Description = "Folder for the whole report in every view: report.json, report.md, report.html." };
        var run = new Option<string?>("--run") { Description = "The run's folder, for the report's training curves." };
        var robustness = new Option<bool>("--robustness")
        {
            Description = "Judges the same images blurred, compressed, darker, brighter, small, turned, shifted and covered: prints that table, or adds it to --report.",
        };
        var labels = DataOptions.FolderLabels();
        var device = new Option<string>("--device") { Description = "Where the model computes: auto, cpu, cuda or cuda:N.", DefaultValueFactory = _ => ComputeDevice.Auto };
        var command = new Command("evaluate", "Evaluates a model on a split of the data.") { data, votes, model, split, flip, json, report, run, robustness, labels, device };
        command.SetAction(async (parsed, cancellation) =>
        {
            var place = UsageException.Reading(() => ComputeDevice.Choose(parsed.GetRequiredValue(device)));

            // What is told goes to standard error: what is printed is for scripts.
            var progress = new EvaluationProgress(Console.Error, TimeProvider.System);
            progress.Say($"Reading {parsed.GetRequiredValue(data)}");
            using var checkpoint = place.Load(parsed.GetRequiredValue(model));
            var all = await FerDataSource.OpenAsync(parsed.GetRequiredValue(data), parsed.GetValue(votes), parsed.Reading(labels), cancellation);
            var usage = parsed.GetValue(split);
            var images = all.Where(usage);
            if (images.Count == 0)
            {
                var others = Enum.GetValues<FerUsage>().Where(other => all.CountOf(other) > 0).Select(other => $"--split {other}");
                throw new InvalidDataException($"The data has no {usage} images; there are those of {string.Join(" and ", others)}.");
            }

            if (parsed.GetValue(report) is { } folder)
            {
                var log = parsed.GetValue(run) is { } runFolder ? Path.Combine(runFolder, TrainingJob.LogFileName) : null;
                var epochs = log is null ? [] : await EpochLog.ReadAsync(log, cancellation);
                var whole = await OnItsOwnThread(
                    () => VersionEvaluation.Run(checkpoint, images, usage, epochs, progress.Of(images.Count * VersionEvaluation.LooksAtEachImage), cancellation), cancellation);
                if (parsed.GetValue(robustness))
                {
                    whole = whole with { Robustness = await TestRobustness(checkpoint, images, flipped: false, cancellation) };
                }

                await ReportFiles.WriteAsync(folder, whole, cancellation);
                Write(parsed.GetValue(json), () => Encoding.UTF8.GetString(ReportFiles.ToJson(whole)), () => ReportMarkdown.Build(whole));
                return 0;
            }

            if (parsed.GetValue(robustness))
            {
                var rows = await TestRobustness(checkpoint, images, parsed.GetValue(flip), cancellation);
                Write(parsed.GetValue(json), () => RobustnessTable.Json(rows), () => $"{RobustnessTable.Markdown(rows)}\n{RobustnessTable.Note}");
                return 0;
            }

            var predictions = await OnItsOwnThread(
                () => ModelEvaluation.Predict(checkpoint.Model, checkpoint.Preprocessor, images, parsed.GetValue(flip), progress: progress.Of(images.Count)), cancellation);
            var metrics = EvaluationReport.Create(predictions, usage, images.Sha256, parsed.GetValue(flip) ? "flip" : "plain");
            Write(
                parsed.GetValue(json),
                () => Encoding.UTF8.GetString(MetricsJson.Serialize(metrics)),
                () => EvaluationMarkdown.Tables(metrics));
            return 0;
        });
        return command;
    }

    // What is told goes to standard error: what is printed is for scripts.
    private static Task<IReadOnlyList<RobustnessRow>> TestRobustness(
        VitCheckpoint checkpoint, FerDataset images, bool flipped, CancellationToken cancellation)
    {
        var done = 0;
        return OnItsOwnThread(
            () => RobustnessTest.Run(
                checkpoint,
                images,
                flipped,
                progress: row => Console.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{++done}/{ImageCondition.All.Count} {row.Kind}, {row.Level}: accuracy {row.Accuracy:P2}")),
                cancellation: cancellation),
            cancellation);
    }

    private static void Write(bool asJson, Func<string> json, Func<string> markdown)
    {
        if (asJson)
        {
            Console.WriteLine(json());
        }
        else
        {
            MarkdownScreen.Write(markdown());
        }
    }

    // For OpenMP's sake (see Trainer).
    private static Task<T> OnItsOwnThread<T>(Func<T> work, CancellationToken cancellation) =>
        Task.Factory.StartNew(work, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
