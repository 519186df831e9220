using System.CommandLine;
using System.Text;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Vision.Model;

namespace FerActors.Host.Commands;

/// <summary><c>fer evaluate</c>: judges a model folder on a split of the data.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "fer2013.csv, plain or .gz or .zip, or an image folder.", Required = true };
        var model = new Option<string>("--model") { Description = "Model folder.", Required = true };
        var split = new Option<FerUsage>("--split") { Description = "Which images.", DefaultValueFactory = _ => FerUsage.PublicTest };
        var flip = new Option<bool>("--flip") { Description = "Averages each image and its mirror image." };
        var json = new Option<bool>("--json") { Description = "Prints metrics.json instead of the tables." };
        var command = new Command("evaluate", "Evaluates a model on a split of the data.") { data, model, split, flip, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var checkpoint = VitCheckpoint.Load(parsed.GetRequiredValue(model));
            var all = await FerDataSource.OpenAsync(parsed.GetRequiredValue(data), cancellationToken: cancellation);
            var usage = parsed.GetValue(split);
            var images = all.Where(usage);
            if (images.Count == 0)
            {
                throw new InvalidDataException($"The data has no {usage} images.");
            }

            // On a thread of its own, for OpenMP's sake (see Trainer).
            var predictions = await Task.Factory.StartNew(
                () => ModelEvaluation.Predict(checkpoint.Model, checkpoint.Preprocessor, images, parsed.GetValue(flip)),
                cancellation,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            var report = EvaluationReport.Create(predictions, usage, images.Sha256, parsed.GetValue(flip) ? "flip" : "plain");
            Console.WriteLine(parsed.GetValue(json)
                ? Encoding.UTF8.GetString(MetricsJson.Serialize(report))
                : $"{EvaluationMarkdown.Summary(report)}\n{EvaluationMarkdown.PerClass(report.Metrics)}\n{EvaluationMarkdown.ConfusionMatrix(report.Metrics)}");
            return 0;
        });
        return command;
    }
}
