using System.Globalization;
using System.Text;
using FerActors.Training.Evaluation;
using FerActors.Training.Robustness;
using static FerActors.Training.Evaluation.EvaluationMarkdown;

namespace FerActors.Training.Reporting;

/// <summary>The report as Markdown.</summary>
public static class ReportMarkdown
{
    public static string Build(VersionReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var plain = report.Views[0].Evaluation;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Evaluation of {Line(report.Model.Name)}, version {Line(report.Model.Version)}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{plain.Split}, {plain.Metrics.Count:N0} images (SHA-256 `{plain.DataSha256}`). ");
        text.Append(CultureInfo.InvariantCulture, $"{report.Parameters:N0} parameters, weights `{Line(report.Model.WeightsSha256)}`.\n\n");
        text.Append(ReportText.Calibration(report)).Append(" Proportions are in per cent.\n\n");
        text.Append("## Views\n\n").Append(Views(report)).Append('\n').Append(ReportText.Intervals(plain)).Append("\n\n");
        if (plain.Votes is not null)
        {
            text.Append("## People's votes\n\n").Append(Votes(report)).Append('\n').Append(ReportText.Votes(plain.Votes)).Append("\n\n");
        }

        text.Append("## Classes (plain view)\n\n").Append(PerClass(plain.Metrics)).Append('\n');
        text.Append("## Confusion matrix (plain view)\n\n").Append(ConfusionMatrix(plain.Metrics)).Append('\n');
        if (plain.Votes?.Majority is { } majority)
        {
            text.Append("## Classes against the majority (plain view)\n\n").Append(PerClass(majority)).Append('\n');
            text.Append("## Confusion matrix against the majority (plain view)\n\n").Append(ConfusionMatrix(majority)).Append('\n');
        }

        text.Append("## Reliability before temperature scaling\n\n").Append(Reliability(plain.Metrics)).Append('\n');
        text.Append("## Reliability after temperature scaling\n\n").Append(Reliability(plain.Calibrated ?? plain.Metrics)).Append('\n');
        if (report.Robustness is { } robustness)
        {
            text.Append("## Worse conditions (plain view)\n\n").Append(RobustnessTable.Markdown(robustness)).Append('\n').Append(RobustnessTable.Note).Append("\n\n");
        }

        text.Append("## Worst mistakes\n\n").Append(Mistakes(report));
        return text.ToString();
    }

    private static string Views(VersionReport report)
    {
        var text = new StringBuilder();
        AppendRow(text, "View", "Passes", "Accuracy", "Macro-F1", "Balanced accuracy", "ECE", "ECE calibrated");
        text.Append("|---|---:|---:|---:|---:|---:|---:|\n");
        foreach (var view in report.Views)
        {
            var (metrics, calibrated, intervals) = (view.Evaluation.Metrics, view.Evaluation.Calibrated, view.Evaluation.Intervals);
            AppendRow(
                text,
                view.View.Name(),
                view.Passes.ToString(CultureInfo.InvariantCulture),
                ReportText.WithRange(metrics.Accuracy, metrics.AccuracyInterval),
                ReportText.WithRange(metrics.MacroF1, intervals?.MacroF1),
                ReportText.WithRange(metrics.BalancedAccuracy, intervals?.BalancedAccuracy),
                ReportText.WithRange(metrics.Ece, intervals?.Ece),
                ReportText.WithRange(calibrated?.Ece, intervals?.CalibratedEce));
        }

        return text.ToString();
    }

    private static string Votes(VersionReport report)
    {
        var text = new StringBuilder();
        AppendRow(text, [.. ReportText.VoteHeads]);
        text.Append("|---|---:|---:|---:|---:|---:|---:|\n");
        foreach (var view in report.Views.Where(view => view.Evaluation.Votes is not null))
        {
            AppendRow(text, [view.View.Name(), .. ReportText.VoteCells(view.Evaluation).Select(cell => ReportText.WithRange(cell))]);
        }

        return text.ToString();
    }

    private static string Mistakes(VersionReport report)
    {
        var text = new StringBuilder();
        AppendRow(text, "Row", "Label", "Predicted", "Confidence", "Loss (nats)");
        text.Append("|---:|---|---|---:|---:|\n");
        foreach (var mistake in report.WorstMistakes)
        {
            AppendRow(
                text,
                mistake.Row.ToString(CultureInfo.InvariantCulture),
                mistake.Label.ToString(),
                mistake.Predicted.ToString(),
                Percent(mistake.Confidence),
                mistake.Loss.ToString("F2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    private static string Line(string value) => value.ReplaceLineEndings(" ");
}
