using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;

namespace FerActors.Training.Evaluation;

/// <summary>95 % intervals of figures that have no formula of their own, by drawing images with replacement (Efron, 1979).</summary>
/// <remarks>
/// Macro-F1 and balanced accuracy: the percentiles of the draws. A calibration error is a mean of absolute values, which every
/// draw raises by itself, so its interval is the basic (reflected) one, cut at 0: twice the figure less the percentiles.
/// </remarks>
/// <param name="Seed">Of the draws; the same seed gives the same intervals.</param>
/// <param name="Resamples">Number of draws.</param>
/// <param name="MacroF1">Of the macro-F1.</param>
/// <param name="BalancedAccuracy">Of the balanced accuracy.</param>
/// <param name="Ece">Of the calibration error of the bare logits.</param>
/// <param name="CalibratedEce">Of the calibration error after temperature scaling.</param>
public sealed record BootstrapIntervals(
    ulong Seed, int Resamples, Interval MacroF1, Interval BalancedAccuracy, Interval Ece, Interval CalibratedEce)
{
    public const ulong DefaultSeed = 1;
    public const int DefaultResamples = 1000;

    /// <param name="predictions">The bare logits.</param>
    /// <param name="calibrated">The same images with calibrated logits.</param>
    /// <param name="seed">Of the draws.</param>
    /// <param name="resamples">At least 40, so that a 95 % interval has draws outside it.</param>
    public static BootstrapIntervals Draw(
        Predictions predictions, Predictions calibrated, ulong seed = DefaultSeed, int resamples = DefaultResamples)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentNullException.ThrowIfNull(calibrated);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 40);
        ArgumentOutOfRangeException.ThrowIfNotEqual(calibrated.Count, predictions.Count, nameof(calibrated));
        var images = Judge(predictions, calibrated);
        var draws = new Figures[resamples];
        var drawn = new int[images.Length];
        for (var i = 0; i < resamples; i++)
        {
            var random = new SeededRandom(seed, (ulong)RandomPurpose.Bootstrap, (ulong)i);
            for (var j = 0; j < drawn.Length; j++)
            {
                drawn[j] = random.NextInt32(images.Length);
            }

            draws[i] = Measure(images, drawn);
        }

        var whole = Measure(images, [.. Enumerable.Range(0, images.Length)]);
        return new BootstrapIntervals(
            seed,
            resamples,
            Percentiles(draws, f => f.MacroF1),
            Percentiles(draws, f => f.BalancedAccuracy),
            Reflected(Percentiles(draws, f => f.Ece), whole.Ece),
            Reflected(Percentiles(draws, f => f.CalibratedEce), whole.CalibratedEce));
    }

    private static Judged[] Judge(Predictions predictions, Predictions calibrated)
    {
        var images = new Judged[predictions.Count];
        Span<double> probabilities = stackalloc double[ExpressionNames.Count];
        for (var i = 0; i < images.Length; i++)
        {
            var predicted = Softmax.ArgMax(predictions.Logits(i));
            Softmax.Compute(predictions.Logits(i), probabilities);
            var confidence = probabilities[predicted];
            Softmax.Compute(calibrated.Logits(i), probabilities);
            images[i] = new Judged((byte)predictions.Label(i), (byte)predicted, confidence, probabilities[predicted]);
        }

        return images;
    }

    private static Figures Measure(Judged[] images, ReadOnlySpan<int> drawn)
    {
        Span<int> support = stackalloc int[ExpressionNames.Count];
        Span<int> called = stackalloc int[ExpressionNames.Count];
        Span<int> right = stackalloc int[ExpressionNames.Count];
        support.Clear();
        called.Clear();
        right.Clear();
        var bins = new CalibrationBinner(ClassificationMetrics.CalibrationBins);
        var calibratedBins = new CalibrationBinner(ClassificationMetrics.CalibrationBins);
        foreach (var index in drawn)
        {
            var image = images[index];
            var isRight = image.Label == image.Predicted;
            support[image.Label]++;
            called[image.Predicted]++;
            right[image.Label] += isRight ? 1 : 0;
            bins.Add(image.Confidence, isRight);
            calibratedBins.Add(image.CalibratedConfidence, isRight);
        }

        double f1 = 0, recall = 0;
        int classes = 0, labelled = 0;
        for (var c = 0; c < ExpressionNames.Count; c++)
        {
            if (support[c] + called[c] > 0)
            {
                f1 += 2.0 * right[c] / (support[c] + called[c]);
                classes++;
            }

            if (support[c] > 0)
            {
                recall += (double)right[c] / support[c];
                labelled++;
            }
        }

        return new Figures(f1 / classes, recall / labelled, bins.Error, calibratedBins.Error);
    }

    private static Interval Percentiles(Figures[] draws, Func<Figures, double> figure)
    {
        var sorted = draws.Select(figure).Order().ToArray();
        var outside = (int)(0.025 * sorted.Length);
        return new Interval(sorted[outside], sorted[^(outside + 1)]);
    }

    private static Interval Reflected(Interval percentiles, double figure) => new(
        Math.Max(0, (2 * figure) - percentiles.High), Math.Max(0, (2 * figure) - percentiles.Low));

    private readonly record struct Judged(byte Label, byte Predicted, double Confidence, double CalibratedConfidence);

    private readonly record struct Figures(double MacroF1, double BalancedAccuracy, double Ece, double CalibratedEce);
}
