using FerActors.Shared.Labels;
using FerActors.Testing.Models;
using FerActors.Training.Evaluation;
using static FerActors.Shared.Labels.Expression;

namespace FerActors.Training.Tests.Evaluation;

public sealed class ClassificationMetricsSpecs
{
    // Happy: 3 of 4 right, one called Sad. Sad: 1 of 2 right, one called Fear, which has no images of its own.
    private static readonly Predictions Few = Logits.Of(
        (Happy, Happy, 5), (Happy, Happy, 5), (Happy, Happy, 5), (Happy, Sad, 5), (Sad, Sad, 5), (Sad, Fear, 5));

    private static readonly ClassificationMetrics Metrics = ClassificationMetrics.Compute(Few);

    [Fact]
    public void The_confusion_matrix_has_true_rows_and_predicted_columns()
    {
        Assert.Equal(3, Metrics.Confusion[(int)Happy][(int)Happy]);
        Assert.Equal(1, Metrics.Confusion[(int)Happy][(int)Sad]);
        Assert.Equal(1, Metrics.Confusion[(int)Sad][(int)Fear]);
        Assert.Equal(6, Metrics.Confusion.Sum(row => row.Sum()));
    }

    [Fact]
    public void Accuracy_macro_f1_and_balanced_accuracy_are_those_computed_by_hand()
    {
        Assert.Equal((6, 4), (Metrics.Count, Metrics.Correct));
        Assert.Equal(4 / 6.0, Metrics.Accuracy, 12);
        Assert.Equal((0.75 + 0.5) / 2, Metrics.BalancedAccuracy, 12);
        Assert.Equal(((6 / 7.0) + (2 / 4.0) + 0) / 3, Metrics.MacroF1, 12);
    }

    [Fact]
    public void A_class_has_precision_recall_f1_and_support()
    {
        var sad = Metrics.Classes[(int)Sad];

        Assert.Equal((Sad, 2, 2), (sad.Expression, sad.Support, sad.Predicted));
        Assert.Equal(0.5, sad.Precision!.Value, 12);
        Assert.Equal(0.5, sad.Recall!.Value, 12);
        Assert.Equal(0.5, sad.F1!.Value, 12);
        Assert.Equal(Interval.Wilson(1, 2), sad.RecallInterval);
        Assert.Equal(1, Metrics.Classes[(int)Happy].Precision);
    }

    [Fact]
    public void What_is_not_defined_is_null_and_not_zero()
    {
        var fear = Metrics.Classes[(int)Fear];
        var angry = Metrics.Classes[(int)Angry];

        Assert.Equal((0.0, null, 0.0), (fear.Precision, fear.Recall, fear.F1));
        Assert.Null(fear.RecallInterval);
        Assert.Equal((null, null, null), (angry.Precision, angry.Recall, angry.F1));
    }

    [Fact]
    public void Even_logits_have_the_likelihood_of_chance()
    {
        var metrics = ClassificationMetrics.Compute(Logits.Of((Angry, Angry, 0), (Neutral, Angry, 0)));

        Assert.Equal(Math.Log(7), metrics.Nll, 12);
        Assert.Equal(0.5, metrics.Accuracy);

        // Confidence 1/7 falls in the third bin, 2/15 to 3/15; half is right.
        Assert.Equal(0.5 - (1 / 7.0), metrics.Ece, 12);
        Assert.Equal(2, metrics.Reliability[2].Count);
        Assert.Equal(1 / 7.0, metrics.Reliability[2].MeanConfidence!.Value, 12);
        Assert.Equal(0.5, metrics.Reliability[2].Accuracy);
        Assert.Null(metrics.Reliability[0].Accuracy);
    }

    [Fact]
    public void Huge_logits_stay_finite()
    {
        var metrics = ClassificationMetrics.Compute(Logits.Of((Happy, Happy, 1e30f), (Happy, Sad, 3e38f)));

        Assert.True(double.IsFinite(metrics.Nll));
        Assert.Equal(0.5, metrics.Ece, 12);
        Assert.Equal(2, metrics.Reliability[14].Count);
    }

    [Fact]
    public void Temperature_moves_the_confidence_and_never_the_class()
    {
        var predictions = Logits.Drawn(500, 2);
        var bare = ClassificationMetrics.Compute(predictions);
        var scaled = ClassificationMetrics.Compute(predictions, 2);

        Assert.Equal(bare.Confusion, scaled.Confusion);
        Assert.NotEqual(bare.Ece, scaled.Ece);
        Assert.Equal(2, scaled.Temperature);
        Assert.Throws<ArgumentOutOfRangeException>(() => ClassificationMetrics.Compute(predictions, 0));
    }

    [Fact]
    public void A_calibrated_model_has_a_small_calibration_error()
    {
        Assert.InRange(ClassificationMetrics.Compute(Logits.Drawn(8000, 1)).Ece, 0, 0.02);
        Assert.InRange(ClassificationMetrics.Compute(Logits.Drawn(8000, 3)).Ece, 0.1, 1);
    }

    [Fact]
    public void Predictions_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new Predictions([], []));
        Assert.Throws<ArgumentException>(() => new Predictions(new float[8], [Happy]));
        Assert.Throws<ArgumentException>(() => new Predictions(new float[7], [(Expression)7]));
        Assert.Throws<ArgumentException>(() => new Predictions([0, 0, float.NaN, 0, 0, 0, 0], [Happy]));
        Assert.Throws<ArgumentException>(() => Predictions.FromRows([new float[6]], [Happy]));
        Assert.Throws<ArgumentException>(() => Predictions.FromRows([new float[7]], [Happy, Sad]));
    }

    [Fact]
    public void Wilson_intervals_are_those_of_the_textbook()
    {
        var half = Interval.Wilson(50, 100);
        Assert.Equal(0.4038, half.Low, 4);
        Assert.Equal(0.5962, half.High, 4);

        var none = Interval.Wilson(0, 10);
        Assert.Equal(0, none.Low);
        Assert.Equal(0.2775, none.High, 4);

        var all = Interval.Wilson(10, 10);
        Assert.Equal(0.7225, all.Low, 4);
        Assert.Equal(1, all.High);
        Assert.Throws<ArgumentOutOfRangeException>(() => Interval.Wilson(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Interval.Wilson(2, 1));
    }

    [Fact]
    public void Softmax_sums_to_1_and_agrees_with_the_likelihood()
    {
        var probabilities = new double[3];
        Softmax.Compute([1, 2, 3], probabilities, 0.5);

        Assert.Equal(1, probabilities.Sum(), 12);
        Assert.Equal(Math.Exp(4) / (1 + Math.Exp(2) + Math.Exp(4)), probabilities[2], 12);
        Assert.Equal(-Math.Log(probabilities[1]), Softmax.NegativeLogLikelihood([1, 2, 3], 1, 0.5), 12);
        Assert.Equal(1, Softmax.ArgMax([1, 5, 5]));
        Assert.Throws<ArgumentException>(() => Softmax.ArgMax([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Softmax.Compute([1, 2], new double[3]));
    }
}
