using System.CommandLine;
using System.Globalization;
using FerActors.Host.Commands.Line;
using FerActors.Shared.Options;
using FerActors.Training.Configuration;
using FerActors.Training.Engine;
using FerActors.Training.Hub;
using FerActors.Training.Node;
using FerActors.Training.Runs;
using FerActors.Training.Tracking;
using Spectre.Console;

namespace FerActors.Host.Commands.Training;

/// <summary><c>fer train</c>: trains a model from scratch or from a checkpoint, or continues a run.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var config = new Option<string?>("--config", "--options")
        {
            Description = "YAML or JSON file with everything about the run; what is given on the command line wins over it.",
        };
        var set = new Option<string[]>("--set")
        {
            Description = "Sets one option: --set epochs=3 --set early_stopping.patience=5. The value is as in YAML.",
        };
        var check = new Option<bool>("--check") { Description = "Checks and prints the configuration, and trains nothing." };
        var end = new Option<bool>("--end-here") { Description = "Trains no further: makes the model of what the run has so far." };
        var shortcuts = new (Option<string?> Option, string Name)[]
        {
            (new("--data") { Description = "fer2013.csv, plain or .gz or .zip, or an image folder." }, "data"),
            (new("--votes") { Description = "The votes of FER+ beside the data, fer2013new.csv; for --labels, and for the report." }, "votes"),
            (new("--labels") { Description = $"What is learnt: {string.Join(", ", LabelSource.Names)}." }, "labels"),
            (new("--model") { Description = "Model folder to write." }, "model"),
            (new("--run") { Description = "The run's folder (checkpoints, log). Default: runs/<name of the model>." }, "run"),
            (new("--preset") { Description = $"Architecture: {string.Join(", ", ModelPresets.Names)}." }, "preset"),
            (new("--init-from") { Description = "Model folder, or hub:org/name[@revision], to start from instead of a preset." }, "init_from"),
            (new("--epochs"), "epochs"),
            (new("--batch-size"), "batch_size"),
            (new("--learning-rate"), "learning_rate"),
            (new("--seed"), "seed"),
            (new("--compute") { Description = "auto, bf16 or fp32." }, "compute"),
            (new("--threads"), "threads"),
            (new("--version-name") { Description = "Version of the model." }, "version"),
        };
        var flags = new (Option<bool> Option, string Name)[]
        {
            (new("--keep-duplicates") { Description = "Keeps training images that also stand in an evaluation split." }, "keep_duplicates"),
            (new("--fp32-weights") { Description = "Stores fp32 weights instead of fp16." }, "fp32_weights"),
        };
        var command = new Command("train", "Trains a model. Ctrl-C stops it; the same command continues it.") { config, set, check, end };
        shortcuts.ToList().ForEach(s => command.Add(s.Option));
        flags.ToList().ForEach(f => command.Add(f.Option));
        command.SetAction(async (parsed, cancellation) =>
        {
            var overrides = shortcuts.Where(s => parsed.GetValue(s.Option) is not null).Select(s => $"{s.Name}={Quoted(parsed.GetValue(s.Option)!)}")
                .Concat(flags.Where(f => parsed.GetValue(f.Option)).Select(f => $"{f.Name}=true"))
                .Concat(parsed.GetValue(set) ?? []);
            var configuration = UsageException.Reading(() => RunConfiguration.Load(parsed.GetValue(config), overrides));

            // Not through the console's formatting, which breaks lines: it can be saved and read back.
            Console.WriteLine(configuration.ToJson());
            if (parsed.GetValue(check))
            {
                return 0;
            }

            var settings = configuration.Settings;
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(settings.Model!));
            var request = new TrainingRequest
            {
                DataPath = settings.Data!,
                VotesPath = settings.Votes,
                ModelFolder = settings.Model!,
                RunFolder = settings.Run ?? Path.Combine("runs", name),
                Options = configuration.Options,
                Name = settings.Name,
                Version = settings.Version,
                EndsHere = parsed.GetValue(end),
                KeepDuplicates = settings.KeepDuplicates,
                HoldOut = new HoldOut(settings.HoldOut, settings.HoldOutSeed),
                Half = !settings.Fp32Weights,
                CheckpointEvery = TimeSpan.FromSeconds(settings.CheckpointSeconds),
                Command = CommandText.Of(parsed),
                GitCommit = RunProvenance.GitCommit,
                FetchFromHub = HubClient.FetchFolderAsync,
            };
            Directory.CreateDirectory(request.RunFolder);
            using var lease = RunLease.TakeNow(request.RunFolder, $"{Environment.MachineName}/{Environment.ProcessId}");
            var outcome = await AnsiConsole.Progress()
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .StartAsync(context => lease.HoldAsync(
                    new TrainingServiceOptions().LeaseTimeout,
                    held => TrackedTraining.RunAsync(
                        request,
                        new Listener(context),
                        TrackedTraining.FromEnvironment(request.RunFolder, AnsiConsole.WriteLine),
                        cancellation: held),
                    cancellation));
            AnsiConsole.WriteLine(Summary("plain", outcome.Plain));
            AnsiConsole.WriteLine(Summary("flip ", outcome.Flip));
            AnsiConsole.WriteLine($"Model: {outcome.ModelFolder}");
            return 0;
        });
        return command;
    }

    // A number stays one; anything else is a text, whatever characters a path may have.
    private static string Quoted(string value) => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
        ? value
        : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    internal static string Summary(string view, FerActors.Training.Evaluation.EvaluationReport report) => report.Votes is { Majority: { } majority } votes
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"{Figures(view, report)}; agreement with the majority {majority.Accuracy:P2}, where most people agree {votes.AgreementWhereMostAgree:P2}, ECE {majority.Ece:0.0000} -> {report.CalibratedVotes?.Majority?.Ece:0.0000}")
        : Figures(view, report);

    private static string Figures(string view, FerActors.Training.Evaluation.EvaluationReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"{report.Split} {view}: accuracy {report.Metrics.Accuracy:P2}, macro-F1 {report.Metrics.MacroF1:0.0000}, balanced accuracy {report.Metrics.BalancedAccuracy:P2}, ECE {report.Metrics.Ece:0.0000} -> {report.Calibrated?.Ece:0.0000} at T = {report.Calibration?.Temperature:0.000}");

    private static string Agreement(EpochRecord record) => record.Agreement is { } agreement
        ? string.Create(CultureInfo.InvariantCulture, $", agreement with the majority {agreement:P2}")
        : "";

    private sealed class Listener(ProgressContext context) : ITrainingListener
    {
        private ProgressTask? _task;

        public void Say(string sentence) => AnsiConsole.WriteLine(sentence);

        public void Advance(TrainingProgress progress)
        {
            if (progress.Warning is not null)
            {
                // Of what is said before the first step, there is no loss or speed to show.
                return;
            }

            _task ??= context.AddTask("training", maxValue: progress.Steps);
            _task.Value = progress.Step;
            _task.Description = string.Create(
                CultureInfo.InvariantCulture,
                $"epoch {progress.Epoch}/{progress.Epochs}  loss {progress.Loss:0.000}  {progress.ImagesPerSecond:0} img/s");
            if (progress.Validation is { } record)
            {
                Say(string.Create(
                    CultureInfo.InvariantCulture,
                    $"epoch {record.Epoch}: loss {record.TrainLoss:0.000}, validation accuracy {record.Accuracy:P2}, macro-F1 {record.MacroF1:0.000}{Agreement(record)}, {record.Seconds:0} s"));
            }
        }
    }
}
