using System.Globalization;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Reporting;

/// <summary>Sentences and cells that the Markdown and the HTML share.</summary>
internal static class ReportText
{
    public static string Calibration(VersionReport report)
    {
        var plain = report.Views[0].Evaluation;
        return plain.CrossFit is { } folds
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"Calibrated figures are cross-fitted: the images are cut into {folds.Count} stratified parts, and each is judged at the temperature fitted on the others ({string.Join(", ", folds.Select(fold => fold.Temperature.ToString("F3", CultureInfo.InvariantCulture)))}). The model carries {report.Temperature:F3}; a fit over all of these images gives {plain.Calibration!.Temperature:F3}.")
            : string.Create(CultureInfo.InvariantCulture, $"Calibrated figures are at the temperature that the model carries, {report.Temperature:F3}.");
    }

    public static string Intervals(EvaluationReport report) => report.Intervals is { } drawn
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"In brackets: 95 % intervals, Wilson's for rates, for the others from {drawn.Resamples:N0} bootstrap draws (seed {drawn.Seed}). They cover the choice of the images, not the choice of the model by them. The cost of a view is its number of forward passes an image.")
        : "In brackets: 95 % Wilson intervals.";

    public static string WithRange(double? value, Interval? interval) => interval is { } range
        ? $"{EvaluationMarkdown.Percent(value)} ({EvaluationMarkdown.Percent(range.Low)} to {EvaluationMarkdown.Percent(range.High)})"
        : EvaluationMarkdown.Percent(value);
}
