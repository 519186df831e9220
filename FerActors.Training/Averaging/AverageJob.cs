using System.Globalization;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Training.Runs;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Averaging;

/// <summary>Averages the weights of models, judges them and it, and writes it as a model folder that can serve.</summary>
public static class AverageJob
{
    /// <summary>Runs until the folder is written.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="say">Told what happens.</param>
    /// <param name="cancellation">Asked between the passes; nothing is written before the average was judged.</param>
    /// <exception cref="FerDataException">The data has errors; they are listed with their rows.</exception>
    /// <exception cref="ArgumentException">The models do not fit one another.</exception>
    /// <exception cref="InvalidOperationException">The average is worse than each of the models. Nothing was written.</exception>
    public static async Task<AverageOutcome> RunAsync(
        AverageRequest request, Action<string>? say = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);

        // First what takes no time: models that do not fit are refused before the data is read.
        var (model, preprocessor) = ModelAverage.Of(request.Models);
        using var average = model;
        var onVotes = model.Config.FerActors.CalibratedOn == FerActorsSection.Votes;
        if (onVotes && request.VotesPath is null)
        {
            throw new ArgumentException("The models were calibrated on votes; name them (--votes) to judge and calibrate their average.", nameof(request));
        }

        var split = await TrainingSplit.ReadAsync(request.DataPath, request.VotesPath, keepDuplicates: false, request.HoldOut, request.FolderLabels, say, cancellation);
        return await Task.Run(
            async () =>
            {
                var members = request.Models.Select(folder => Judge(folder, split.Validation, onVotes, say, cancellation)).ToList();
                say?.Invoke("Evaluating the average");
                var predictions = ModelEvaluation.Predict(average, preprocessor, split.Validation, flip: false);
                RequireNoWorse(
                    ClassificationMetrics.Compute(onVotes ? predictions.ByMajority() ?? predictions : predictions).Accuracy,
                    members.Min(member => onVotes ? (member.Plain.Votes?.Majority ?? member.Plain.Metrics).Accuracy : member.Plain.Metrics.Accuracy));
                var delivery = new ModelDelivery { Folder = request.ModelFolder, Version = request.Version, Half = request.Half, OnVotes = onVotes };
                var written = await delivery.WriteAsync(
                    average,
                    preprocessor,
                    predictions,
                    split.Validation,
                    epochs: [],
                    (shipped, evaluations) => TrainingFacts.Of(shipped, split, request.Command, request.GitCommit, evaluations) with
                    {
                        AverageOf = [.. request.Models.Select(folder => TrainingFacts.Name(folder)!)],
                    },
                    cancellation);
                return new AverageOutcome(members, written);
            },
            cancellation);
    }

    private static TrainingOutcome Judge(string folder, FerDataset validation, bool onVotes, Action<string>? say, CancellationToken cancellation)
    {
        say?.Invoke($"Evaluating {folder}");
        using var checkpoint = VitCheckpoint.Load(folder);
        var plain = Look(mirrored: false);
        var flip = Predictions.Average([plain, Look(mirrored: true)]);
        return new TrainingOutcome(folder, Report(plain, TestTimeView.Plain), Report(flip, TestTimeView.Flip));

        Predictions Look(bool mirrored)
        {
            cancellation.ThrowIfCancellationRequested();
            return ModelEvaluation.Predict(
                checkpoint.Model, checkpoint.Preprocessor, MovedImages.Of(validation, 0, 0, mirrored), flip: false);
        }

        EvaluationReport Report(Predictions predictions, TestTimeView view) =>
            EvaluationReport.CrossFitted(predictions, FerUsage.PublicTest, validation.Sha256, view, onVotes: onVotes);
    }

    private static void RequireNoWorse(double accuracy, double worstMember)
    {
        if (accuracy < worstMember)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"The average is right about {accuracy:P2} of the images, and the worst of the models about {worstMember:P2}. Only models that were trained further from the same weights can be averaged. Nothing was written."));
        }
    }
}
