using FerActors.Shared.Labels;

namespace FerActors.Training.Evaluation;

/// <summary>How well a model classifies a set of images, and how far its probabilities can be believed.</summary>
public sealed record ClassificationMetrics
{
    /// <summary>Bins of the calibration error: 15 of equal width (Guo et al., "On calibration of modern neural networks", 2017).</summary>
    public const int CalibrationBins = 15;

    /// <summary>Number of images.</summary>
    public required int Count { get; init; }

    /// <summary>Number of images classified right.</summary>
    public required int Correct { get; init; }

    /// <summary>Share classified right, 0 to 1.</summary>
    public required double Accuracy { get; init; }

    /// <summary>95 % Wilson interval of the accuracy.</summary>
    public required Interval AccuracyInterval { get; init; }

    /// <summary>Mean F1 over the classes that occur in the labels or the predictions.</summary>
    public required double MacroF1 { get; init; }

    /// <summary>Mean recall over the classes that occur in the labels; also called unweighted average recall.</summary>
    public required double BalancedAccuracy { get; init; }

    /// <summary>Mean negative log-likelihood of the true label in nats.</summary>
    public required double Nll { get; init; }

    /// <summary>Expected calibration error of the most probable class, 0 to 1.</summary>
    public required double Ece { get; init; }

    /// <summary>The temperature that the logits were divided by; 1 is uncalibrated.</summary>
    public required double Temperature { get; init; }

    /// <summary>The 7 classes in FER2013 order.</summary>
    public required IReadOnlyList<ClassMetrics> Classes { get; init; }

    /// <summary>7 x 7 counts: row the true class, column the predicted one.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; }

    /// <summary>The bins behind <see cref="Ece"/>, by rising confidence.</summary>
    public required IReadOnlyList<ReliabilityBin> Reliability { get; init; }

    /// <summary>Compares predictions with labels.</summary>
    /// <param name="predictions">Logits and labels.</param>
    /// <param name="temperature">Divides the logits; moves NLL, ECE and the bins, never the predicted class. Above 0.</param>
    public static ClassificationMetrics Compute(Predictions predictions, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        var confusion = new int[ExpressionNames.Count][];
        for (var i = 0; i < confusion.Length; i++)
        {
            confusion[i] = new int[ExpressionNames.Count];
        }

        var bins = new CalibrationBinner(CalibrationBins);
        Span<double> probabilities = stackalloc double[ExpressionNames.Count];
        var nll = 0.0;
        for (var i = 0; i < predictions.Count; i++)
        {
            var logits = predictions.Logits(i);
            var label = (int)predictions.Label(i);
            var predicted = Softmax.ArgMax(logits);
            Softmax.Compute(logits, probabilities, temperature);
            nll += Softmax.NegativeLogLikelihood(logits, label, temperature);
            bins.Add(probabilities[predicted], predicted == label);
            confusion[label][predicted]++;
        }

        var classes = ExpressionNames.All.Select(expression => MetricsOf(expression, confusion)).ToArray();
        var correct = classes.Sum(item => confusion[(int)item.Expression][(int)item.Expression]);
        return new ClassificationMetrics
        {
            Count = predictions.Count,
            Correct = correct,
            Accuracy = (double)correct / predictions.Count,
            AccuracyInterval = Interval.Wilson(correct, predictions.Count),
            MacroF1 = classes.Average(item => item.F1) ?? 0,
            BalancedAccuracy = classes.Average(item => item.Recall) ?? 0,
            Nll = nll / predictions.Count,
            Ece = bins.Error,
            Temperature = temperature,
            Classes = classes,
            Confusion = confusion,
            Reliability = bins.Build(),
        };
    }

    private static ClassMetrics MetricsOf(Expression expression, int[][] confusion)
    {
        var index = (int)expression;
        var right = confusion[index][index];
        var support = confusion[index].Sum();
        var predicted = confusion.Sum(row => row[index]);
        return new ClassMetrics
        {
            Expression = expression,
            Support = support,
            Predicted = predicted,
            Precision = predicted == 0 ? null : (double)right / predicted,
            PrecisionInterval = predicted == 0 ? null : Interval.Wilson(right, predicted),
            Recall = support == 0 ? null : (double)right / support,
            RecallInterval = support == 0 ? null : Interval.Wilson(right, support),
            F1 = support + predicted == 0 ? null : 2.0 * right / (support + predicted),
        };
    }
}
