using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Reporting;

/// <summary>Judges a model version on one split, in every view.</summary>
public static class VersionEvaluation
{
    /// <summary>How often the model sees each image: as it is and shifted in four directions, mirrored and not.</summary>
    public const int LooksAtEachImage = 10;

    /// <summary>Mistakes that a report lists.</summary>
    public const int WorstMistakes = 25;

    /// <summary>Runs the model over the split, ten passes an image in all, and writes down what comes out. Takes its thread for as long.</summary>
    /// <param name="checkpoint">The version.</param>
    /// <param name="images">The images of one split; at least two.</param>
    /// <param name="split">Which split. On PublicTest, on which temperatures are fitted, calibrated figures are cross-fitted, unless the model was calibrated on votes and the images have none.</param>
    /// <param name="epochs">The run's epochs, for the curves.</param>
    /// <param name="cancellation">Asked between the passes.</param>
    /// <param name="progress">Told how many looks at images are done; ten times as many as images at the end.</param>
    public static VersionReport Run(
        VitCheckpoint checkpoint,
        FerDataset images,
        FerUsage split,
        IReadOnlyList<EpochRecord>? epochs = null,
        CancellationToken cancellation = default,
        Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(images);
        var config = checkpoint.Model.Config;
        var temperature = config.FerActors.Temperature;
        var onVotes = config.FerActors.CalibratedOn == FerActorsSection.Votes;
        var looks = Looks(checkpoint, images, progress, cancellation);
        var views = TestTimeViews.All.Select(view =>
        {
            var predictions = Predictions.Average([.. looks.Where(look => Belongs(look, view)).Select(look => look.Predictions)]);
            var evaluation = split == FerUsage.PublicTest && (images.HasVotes || !onVotes)
                ? EvaluationReport.CrossFitted(predictions, split, images.Sha256, view, onVotes: onVotes)
                : EvaluationReport.AtTemperature(predictions, split, images.Sha256, view, temperature, onVotes: onVotes);
            return new ViewReport(view, view.Passes(), evaluation);
        }).ToList();
        return new VersionReport
        {
            Model = new ModelIdentity(
                config.FerActors.Name ?? "unnamed", config.FerActors.Version ?? checkpoint.WeightsSha256[..12], checkpoint.WeightsSha256),
            Temperature = temperature,
            Parameters = config.ParameterCount,
            Views = views,
            WorstMistakes = Worst(looks[0].Predictions.DividedBy(_ => temperature), images),
            Epochs = epochs ?? [],
        };
    }

    private static List<Look> Looks(VitCheckpoint checkpoint, FerDataset images, Action<int>? progress, CancellationToken cancellation)
    {
        const int By = TestTimeViews.ShiftPixels;
        (int Right, int Down)[] shifts = [(0, 0), (-By, 0), (By, 0), (0, -By), (0, By)];
        var looks = new List<Look>();
        foreach (var (right, down) in shifts)
        {
            foreach (var mirrored in new[] { false, true })
            {
                cancellation.ThrowIfCancellationRequested();
                var seen = MovedImages.Of(images, right, down, mirrored);
                var before = looks.Count * images.Count;
                var predictions = ModelEvaluation.Predict(
                    checkpoint.Model, checkpoint.Preprocessor, seen, flip: false, progress: done => progress?.Invoke(before + done));
                looks.Add(new Look(right != 0 || down != 0, mirrored, predictions));
            }
        }

        return looks;
    }

    private static bool Belongs(Look look, TestTimeView view) =>
        (!look.Shifted || view is TestTimeView.Shift or TestTimeView.FlipShift)
        && (!look.Mirrored || view is TestTimeView.Flip or TestTimeView.FlipShift);

    private static List<Mistake> Worst(Predictions calibrated, FerDataset images)
    {
        var probabilities = new double[ExpressionNames.Count];
        return Enumerable.Range(0, calibrated.Count)
            .Select(i => (Index: i, Loss: Softmax.NegativeLogLikelihood(calibrated.Logits(i), (int)calibrated.Label(i))))
            .OrderByDescending(image => image.Loss)
            .ThenBy(image => image.Index)
            .Take(WorstMistakes)
            .Select(image =>
            {
                var predicted = Softmax.ArgMax(calibrated.Logits(image.Index));
                Softmax.Compute(calibrated.Logits(image.Index), probabilities);
                return new Mistake(
                    images.SourceIndex(image.Index) + 2, calibrated.Label(image.Index), (Expression)predicted, probabilities[predicted], image.Loss);
            })
            .Where(mistake => mistake.Label != mistake.Predicted)
            .ToList();
    }

    private sealed record Look(bool Shifted, bool Mirrored, Predictions Predictions);
}
