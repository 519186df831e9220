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

    /// <summary>How an image was looked at: <c>plain</c>, <c>flip</c>, <c>ten_crop</c>.</summary>
    public required string TestTimeAugmentation { get; init; }

    /// <summary>Metrics of the bare logits.</summary>
    public required ClassificationMetrics Metrics { get; init; }

    /// <summary>Metrics after temperature scaling; null where none was fitted.</summary>
    public ClassificationMetrics? Calibrated { get; init; }

    /// <summary>The temperature and what it was worth on the split that it was fitted on.</summary>
    public TemperatureFit? Calibration { get; init; }

    /// <summary>The split that the temperature was fitted on. Where it is <see cref="Split"/>, the calibrated figures flatter.</summary>
    public FerUsage? CalibrationSplit { get; init; }

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
            Calibration = calibration,
            CalibrationSplit = calibrationSplit,
        };
}
