using FerActors.Shared.Labels;

namespace FerActors.Training.Evaluation;

/// <summary>
/// An honest figure for a temperature that is fitted on the very split that is reported: the split is cut into folds, each image
/// is judged with the temperature that the other folds gave, and the temperature that is shipped is fitted on all of it.
/// </summary>
/// <remarks>
/// The folds are stratified and take no random number: the n-th image of each class goes to fold n modulo their number. A class
/// with fewer images than folds is left out of some of them, which moves a single number fitted on thousands very little.
/// </remarks>
/// <param name="Shipped">The fit on all images: what the model's configuration carries.</param>
/// <param name="Folds">What each fold was judged with, fitted on the others.</param>
public sealed record CrossFittedTemperature(TemperatureFit Shipped, IReadOnlyList<CalibrationFold> Folds)
{
    public const int DefaultFolds = 2;

    /// <summary>Mean of the folds' temperatures.</summary>
    public double MeanTemperature => Folds.Average(fold => fold.Temperature);

    /// <summary>Whether images with these labels give each fold one, so that <see cref="Of"/> can be computed.</summary>
    public static bool FillsFolds(IReadOnlyCollection<Expression> labels, int folds = DefaultFolds) =>
        labels.GroupBy(label => label).Any(label => label.Count() >= folds);

    /// <summary>Fits, and divides each image's logits by the temperature of its fold.</summary>
    /// <param name="predictions">Logits and labels; at least as many images as folds.</param>
    /// <param name="folds">Two or more.</param>
    /// <param name="onVotes">Fits on people's majority in place of the labels, where an image has one.</param>
    /// <returns>The fits, and predictions whose softmax at temperature 1 is the calibrated one.</returns>
    /// <exception cref="ArgumentException">There are too few images for each fold to have one.</exception>
    public static (CrossFittedTemperature Fit, Predictions Calibrated) Of(
        Predictions predictions, int folds = DefaultFolds, bool onVotes = false)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentOutOfRangeException.ThrowIfLessThan(folds, 2);
        var foldOf = Assign(predictions, folds);
        var images = Enumerable.Range(0, predictions.Count).ToLookup(i => foldOf[i]);
        if (images.Count < folds)
        {
            throw new ArgumentException($"{predictions.Count} images do not fill {folds} folds.", nameof(predictions));
        }

        var temperatures = new double[folds];
        var results = new CalibrationFold[folds];
        for (var fold = 0; fold < folds; fold++)
        {
            var judged = fold;
            var fit = TemperatureScaling.Fit(
                predictions.Select([.. Enumerable.Range(0, predictions.Count).Where(i => foldOf[i] != judged)]), onVotes);
            temperatures[fold] = fit.Temperature;
            results[fold] = new CalibrationFold(fit.Temperature, fit.Count, images[fold].Count());
        }

        return (
            new CrossFittedTemperature(TemperatureScaling.Fit(predictions, onVotes), results),
            predictions.DividedBy(i => temperatures[foldOf[i]]));
    }

    private static int[] Assign(Predictions predictions, int folds)
    {
        var seen = new int[ExpressionNames.Count];
        var foldOf = new int[predictions.Count];
        for (var i = 0; i < foldOf.Length; i++)
        {
            foldOf[i] = seen[(int)predictions.Label(i)]++ % folds;
        }

        return foldOf;
    }
}

/// <param name="Temperature">Fitted on the other folds.</param>
/// <param name="FittedOn">Images of the other folds.</param>
/// <param name="Judged">Images of this fold.</param>
public sealed record CalibrationFold(double Temperature, int FittedOn, int Judged);
