using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Vision.Model;

namespace FerActors.Training.Robustness;

/// <summary>What a model reaches under one condition.</summary>
/// <param name="Kind">As in <see cref="ImageCondition"/>.</param>
/// <param name="Level">As in <see cref="ImageCondition"/>.</param>
/// <param name="Images">Number of images.</param>
/// <param name="Accuracy">Share called as the label, 0 to 1.</param>
/// <param name="AccuracyInterval">Its 95 % Wilson interval.</param>
/// <param name="Change">Accuracy less that of the images as they are, -1 to 1.</param>
/// <param name="MacroF1">Mean F1 over the classes, 0 to 1.</param>
/// <param name="Agreement">Agreement with the majority of people's votes, 0 to 1; <see langword="null"/> without votes.</param>
public sealed record RobustnessRow(
    string Kind, string Level, int Images, double Accuracy, Interval AccuracyInterval, double Change, double MacroF1, double? Agreement);

/// <summary>Judges a model on the same images under each <see cref="ImageCondition"/>. The same model and images give the same figures.</summary>
public static class RobustnessTest
{
    /// <summary>Takes its thread for as long: one pass over the images for each condition, two with <paramref name="flip"/>.</summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="images">The images of one split.</param>
    /// <param name="flip">Averages each image and its mirror image.</param>
    /// <param name="conditions">By default <see cref="ImageCondition.All"/>; the first is what the others are compared with.</param>
    /// <param name="progress">Told each row as it is done.</param>
    /// <param name="cancellation">Asked between the conditions.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<RobustnessRow> Run(
        VitCheckpoint checkpoint,
        FerDataset images,
        bool flip = false,
        IReadOnlyList<ImageCondition>? conditions = null,
        Action<RobustnessRow>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(images);
        var rows = new List<RobustnessRow>();
        foreach (var condition in conditions ?? ImageCondition.All)
        {
            cancellation.ThrowIfCancellationRequested();
            var predictions = ModelEvaluation.Predict(checkpoint.Model, checkpoint.Preprocessor, condition.Apply(images), flip);
            var metrics = ClassificationMetrics.Compute(predictions);
            rows.Add(new RobustnessRow(
                condition.Kind,
                condition.Level,
                metrics.Count,
                metrics.Accuracy,
                metrics.AccuracyInterval,
                rows.Count == 0 ? 0 : metrics.Accuracy - rows[0].Accuracy,
                metrics.MacroF1,
                VoteMetrics.Compute(predictions)?.Majority?.Accuracy));
            progress?.Invoke(rows[^1]);
        }

        return rows;
    }
}
