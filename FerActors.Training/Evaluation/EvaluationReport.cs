using FerActors.Training.Data;

namespace FerActors.Training.Evaluation;

/// <summary>What one evaluation of one model on one split found: the content of metrics.json.</summary>
public sealed record EvaluationReport
{
    /// <summary>Version of the file's form.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>The split that the figures are of.</summary>
    public required FerUsage Split { get; init; }

    /// <summary><see cref="FerDataset.Sha256"/> of that split.</summary>
    public required string DataSha256 { get; init; }

    /// <summary>How an image was looked at: a name of <see cref="TestTimeViews"/>.</summary>
    public required string TestTimeAugmentation { get; init; }

    /// <summary>Metrics of the bare logits.</summary>
    public required ClassificationMetrics Metrics { get; init; }

    /// <summary>
    /// Metrics after temperature scaling; null where none was fitted. With <see cref="CrossFit"/> each image was judged with a
    /// temperature that did not see it, and the metrics' temperature is the mean of the folds'.
    /// </summary>
    public ClassificationMetrics? Calibrated { get; init; }

    /// <summary>The temperature and what it was worth on the split that it was fitted on.</summary>
    public TemperatureFit? Calibration { get; init; }

    /// <summary>
    /// The split that the temperature was fitted on. Where it is <see cref="Split"/> and there is no <see cref="CrossFit"/>, the
    /// calibrated figures flatter.
    /// </summary>
    public FerUsage? CalibrationSplit { get; init; }

    /// <summary>How the calibrated figures were kept apart from the images that the temperature was fitted on; null where they were not.</summary>
    public IReadOnlyList<CalibrationFold>? CrossFit { get; init; }

    /// <summary>95 % bootstrap intervals of the figures that are no plain rates; null where none were drawn.</summary>
    public BootstrapIntervals? Intervals { get; init; }

    /// <summary>The figures against people's votes, of the bare logits; null where there are no votes.</summary>
    public VoteMetrics? Votes { get; init; }

    /// <summary>As <see cref="Votes"/>, of the logits behind <see cref="Calibrated"/>.</summary>
    public VoteMetrics? CalibratedVotes { get; init; }

    /// <summary>Whether the temperature is to make a probability that of people's majority rather than of the label.</summary>
    public bool CalibratedOnVotes { get; init; }

    /// <summary>Makes a report: metrics, and the calibrated ones where a temperature is given.</summary>
    public static EvaluationReport Create(
        Predictions predictions,
        FerUsage split,
        string dataSha256,
        string testTimeAugmentation = "plain",
        TemperatureFit? calibration = null,
        FerUsage? calibrationSplit = null) => new()
        {
            Split = split,
            DataSha256 = dataSha256,
            TestTimeAugmentation = testTimeAugmentation,
            Metrics = ClassificationMetrics.Compute(predictions),
            Calibrated = calibration is null ? null : ClassificationMetrics.Compute(predictions, calibration.Temperature),
            Votes = VoteMetrics.Compute(predictions),
            CalibratedVotes = calibration is null ? null : VoteMetrics.Compute(predictions, calibration.Temperature),
            Calibration = calibration,
            CalibrationSplit = calibrationSplit,
        };

    /// <summary>A report whose calibrated figures are cross-fitted within the split, with bootstrap intervals.</summary>
    /// <param name="predictions">At least two images.</param>
    /// <param name="split">The split that they are of; the shipped temperature is fitted on all of it.</param>
    /// <param name="dataSha256">Hash of its images.</param>
    /// <param name="view">How the images were looked at.</param>
    /// <param name="seed">Of the bootstrap.</param>
    /// <param name="onVotes">Fits the temperatures on people's majority; on the labels where no image has one.</param>
    public static EvaluationReport CrossFitted(
        Predictions predictions, FerUsage split, string dataSha256, TestTimeView view, ulong seed = BootstrapIntervals.DefaultSeed, bool onVotes = false)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var (fit, calibrated) = CrossFittedTemperature.Of(predictions, onVotes: onVotes);
        return new EvaluationReport
        {
            Split = split,
            DataSha256 = dataSha256,
            TestTimeAugmentation = view.Name(),
            Metrics = ClassificationMetrics.Compute(predictions),
            Calibrated = ClassificationMetrics.Compute(calibrated) with { Temperature = fit.MeanTemperature },
            Votes = VoteMetrics.Compute(predictions),
            CalibratedVotes = VoteMetrics.Compute(calibrated),
            CalibratedOnVotes = onVotes && predictions.ByMajority() is not null,
            Calibration = fit.Shipped,
            CalibrationSplit = split,
            CrossFit = fit.Folds,
            Intervals = BootstrapIntervals.Draw(predictions, calibrated, seed),
        };
    }

    /// <summary>A report at a temperature that was fitted elsewhere, with bootstrap intervals.</summary>
    /// <param name="predictions">Logits and labels.</param>
    /// <param name="split">The split that they are of.</param>
    /// <param name="dataSha256">Hash of its images.</param>
    /// <param name="view">How the images were looked at.</param>
    /// <param name="temperature">The temperature that the model carries.</param>
    /// <param name="seed">Of the bootstrap.</param>
    /// <param name="onVotes">Whether that temperature was fitted on people's majority.</param>
    public static EvaluationReport AtTemperature(
        Predictions predictions,
        FerUsage split,
        string dataSha256,
        TestTimeView view,
        double temperature,
        ulong seed = BootstrapIntervals.DefaultSeed,
        bool onVotes = false)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return new EvaluationReport
        {
            Split = split,
            DataSha256 = dataSha256,
            TestTimeAugmentation = view.Name(),
            Metrics = ClassificationMetrics.Compute(predictions),
            Calibrated = ClassificationMetrics.Compute(predictions, temperature),
            Votes = VoteMetrics.Compute(predictions),
            CalibratedVotes = VoteMetrics.Compute(predictions, temperature),
            CalibratedOnVotes = onVotes,
            Intervals = BootstrapIntervals.Draw(predictions, predictions.DividedBy(_ => temperature), seed),
        };
    }
}
