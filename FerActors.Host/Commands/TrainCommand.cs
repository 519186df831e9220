using System.CommandLine;
using System.Globalization;
using FerActors.Training.Engine;
using FerActors.Training.Runs;
using FerActors.Training.Tracking;
using Spectre.Console;

namespace FerActors.Host.Commands;

/// <summary><c>fer train</c>: trains a model from scratch, or continues a run.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "fer2013.csv, plain or .gz or .zip, or an image folder.", Required = true };
        var model = new Option<string>("--model") { Description = "Model folder to write.", Required = true };
        var run = new Option<string?>("--run") { Description = "The run's folder (checkpoints, log). Default: runs/<name of the model>." };
        var options = new Option<string?>("--options") { Description = "JSON file with training options; those below win over it." };
        var preset = new Option<string?>("--preset") { Description = $"Architecture: {string.Join(", ", ModelPresets.Names)}." };
        var epochs = new Option<int?>("--epochs");
        var batch = new Option<int?>("--batch-size");
        var rate = new Option<double?>("--learning-rate");
        var seed = new Option<int?>("--seed");
        var compute = new Option<string?>("--compute") { Description = "bf16 or fp32." };
        var threads = new Option<int?>("--threads");
        var version = new Option<string>("--version-name") { Description = "Version of the model.", DefaultValueFactory = _ => "1" };
        var keep = new Option<bool>("--keep-duplicates") { Description = "Keeps training images that also stand in an evaluation split." };
        var full = new Option<bool>("--fp32-weights") { Description = "Stores fp32 weights instead of fp16." };
        var command = new Command("train", "Trains a model. Ctrl-C stops it; the same command continues it.")
        {
            data, model, run, options, preset, epochs, batch, rate, seed, compute, threads, version, keep, full,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var given = parsed.GetValue(options) is { } file
                ? TrainingOptions.FromJson(await File.ReadAllTextAsync(file, cancellation))
                : new TrainingOptions();
            given = given with
            {
                Preset = parsed.GetValue(preset) ?? given.Preset,
                Epochs = parsed.GetValue(epochs) ?? given.Epochs,
                BatchSize = parsed.GetValue(batch) ?? given.BatchSize,
                LearningRate = parsed.GetValue(rate) ?? given.LearningRate,
                Seed = parsed.GetValue(seed) ?? given.Seed,
                Compute = parsed.GetValue(compute) ?? given.Compute,
                Threads = parsed.GetValue(threads) ?? given.Threads,
            };
            var folder = parsed.GetRequiredValue(model);
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
            var request = new TrainingRequest
            {
                DataPath = parsed.GetRequiredValue(data),
                ModelFolder = folder,
                RunFolder = parsed.GetValue(run) ?? Path.Combine("runs", name),
                Options = given,
                Version = parsed.GetValue(version)!,
                KeepDuplicates = parsed.GetValue(keep),
                Half = !parsed.GetValue(full),
                Command = "./run " + string.Join(' ', parsed.Tokens.Select(t => t.Value)),
                GitCommit = Environment.GetEnvironmentVariable("FER_GIT_COMMIT"),
            };
            AnsiConsole.WriteLine(given.ToJson());
            var outcome = await AnsiConsole.Progress()
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .StartAsync(context => TrackedTraining.RunAsync(
                    request,
                    new Listener(context),
                    TrackedTraining.FromEnvironment(request.RunFolder, AnsiConsole.WriteLine),
                    cancellation: cancellation));
            AnsiConsole.WriteLine(Summary("plain", outcome.Plain));
            AnsiConsole.WriteLine(Summary("flip ", outcome.Flip));
            AnsiConsole.WriteLine($"Model: {outcome.ModelFolder}");
            return 0;
        });
        return command;
    }

    internal static string Summary(string view, Training.Evaluation.EvaluationReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"{report.Split} {view}: accuracy {report.Metrics.Accuracy:P2}, macro-F1 {report.Metrics.MacroF1:0.0000}, balanced accuracy {report.Metrics.BalancedAccuracy:P2}, ECE {report.Metrics.Ece:0.0000} -> {report.Calibrated?.Ece:0.0000} at T = {report.Calibration?.Temperature:0.000}");

    private sealed class Listener(ProgressContext context) : ITrainingListener
    {
        private ProgressTask? _task;

        public void Say(string sentence) => AnsiConsole.WriteLine(sentence);

        public void Advance(TrainingProgress progress)
        {
            _task ??= context.AddTask("training", maxValue: progress.Steps);
            _task.Value = progress.Step;
            _task.Description = string.Create(
                CultureInfo.InvariantCulture,
                $"epoch {progress.Epoch}/{progress.Epochs}  loss {progress.Loss:0.000}  {progress.ImagesPerSecond:0} img/s");
            if (progress.Validation is { } record)
            {
                Say(string.Create(
                    CultureInfo.InvariantCulture,
                    $"epoch {record.Epoch}: loss {record.TrainLoss:0.000}, validation accuracy {record.Accuracy:P2}, macro-F1 {record.MacroF1:0.000}, {record.Seconds:0} s"));
            }
        }
    }
}
