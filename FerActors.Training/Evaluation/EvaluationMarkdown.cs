using System.Globalization;
using System.Text;

namespace FerActors.Training.Evaluation;

/// <summary>The tables of an evaluation in Markdown, for model cards and reports. Proportions are shown in per cent.</summary>
public static class EvaluationMarkdown
{
    /// <summary>The headline figures: bare, and calibrated where there is a temperature.</summary>
    public static string Summary(EvaluationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var bare = report.Metrics;
        var calibrated = report.Calibrated;
        var text = new StringBuilder();
        if (calibrated is null)
        {
            AppendRow(text, "Metric", "Value");
            text.Append("|---|---:|\n");
        }
        else
        {
            AppendRow(text, "Metric", "Uncalibrated", string.Create(CultureInfo.InvariantCulture, $"T = {calibrated.Temperature:F3}"));
            text.Append("|---|---:|---:|\n");
        }

        AppendMetric("Accuracy (95 % interval)", metrics => $"{Percent(metrics.Accuracy)} ({Range(metrics.AccuracyInterval)})");
        AppendMetric("Macro-F1", metrics => Percent(metrics.MacroF1));
        AppendMetric("Balanced accuracy", metrics => Percent(metrics.BalancedAccuracy));
        AppendMetric("NLL (nats)", metrics => Number(metrics.Nll));
        AppendMetric($"ECE ({ClassificationMetrics.CalibrationBins} bins)", metrics => Percent(metrics.Ece));
        AppendMetric("Images", metrics => metrics.Count.ToString(CultureInfo.InvariantCulture));
        if (report.Votes is not null)
        {
            AppendVotes("Agreement with the majority (95 % interval)", votes => votes.Majority is { } m ? $"{Percent(m.Accuracy)} ({Range(m.AccuracyInterval)})" : "n/a");
            AppendVotes("Agreement where most agree (95 % interval)", votes => votes.AgreementWhereMostAgreeInterval is { } interval ? $"{Percent(votes.AgreementWhereMostAgree)} ({Range(interval)})" : "n/a");
            AppendVotes("Macro-F1 against the majority", votes => Percent(votes.Majority?.MacroF1));
            AppendVotes("ECE against the majority", votes => Percent(votes.Majority?.Ece));
            AppendVotes("Votes' cross-entropy (nats)", votes => Number(votes.CrossEntropy));
            AppendVotes("Votes' own entropy (nats)", votes => Number(votes.Entropy));
            AppendVotes("Images with votes / a majority / most agree", votes => string.Create(CultureInfo.InvariantCulture, $"{votes.Count} / {votes.Majority?.Count ?? 0} / {votes.MostAgree}"));
        }

        return text.ToString();

        void AppendVotes(string name, Func<VoteMetrics, string> value)
        {
            if (calibrated is null)
            {
                AppendRow(text, name, value(report.Votes!));
            }
            else
            {
                AppendRow(text, name, value(report.Votes!), value(report.CalibratedVotes ?? report.Votes!));
            }
        }

        void AppendMetric(string name, Func<ClassificationMetrics, string> value)
        {
            if (calibrated is null)
            {
                AppendRow(text, name, value(bare));
            }
            else
            {
                AppendRow(text, name, value(bare), value(calibrated));
            }
        }
    }

    /// <summary>All tables of an evaluation: the headline figures, the classes and the confusion matrix; with votes, the latter two against people's majority too.</summary>
    public static string Tables(EvaluationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var tables = $"{Summary(report)}\n{PerClass(report.Metrics)}\n{ConfusionMatrix(report.Metrics)}";
        return report.Votes?.Majority is { } majority ? $"{tables}\nAgainst the majority of the votes:\n\n{PerClass(majority)}\n{ConfusionMatrix(majority)}" : tables;
    }

    /// <summary>Precision, recall with its 95 % interval, F1 and support of each class.</summary>
    public static string PerClass(ClassificationMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        var text = new StringBuilder();
        AppendRow(text, "Class", "Precision", "Recall (95 % interval)", "F1", "Support");
        text.Append("|---|---:|---:|---:|---:|\n");
        foreach (var item in metrics.Classes)
        {
            AppendRow(
                text,
                item.Expression.ToString(),
                Percent(item.Precision),
                item.RecallInterval is { } interval ? $"{Percent(item.Recall)} ({Range(interval)})" : Percent(item.Recall),
                Percent(item.F1),
                item.Support.ToString(CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    /// <summary>The confusion matrix in counts: a row a true class, a column a predicted one.</summary>
    public static string ConfusionMatrix(ClassificationMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        var names = metrics.Classes.Select(item => item.Expression.ToString()).ToList();
        var text = new StringBuilder();
        AppendRow(text, ["True \\ predicted", .. names]);
        text.Append("|---|").Append(string.Concat(Enumerable.Repeat("---:|", names.Count))).Append('\n');
        for (var row = 0; row < names.Count; row++)
        {
            // The diagonal stands out.
            var cells = metrics.Confusion[row].Select((count, column) => column == row
                ? string.Create(CultureInfo.InvariantCulture, $"**{count}**")
                : count.ToString(CultureInfo.InvariantCulture));
            AppendRow(text, [names[row], .. cells]);
        }

        return text.ToString();
    }

    /// <summary>The bins of the reliability diagram that hold images.</summary>
    public static string Reliability(ClassificationMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        var text = new StringBuilder();
        AppendRow(text, "Confidence", "Images", "Mean confidence", "Accuracy");
        text.Append("|---|---:|---:|---:|\n");
        foreach (var bin in metrics.Reliability.Where(bin => bin.Count > 0))
        {
            AppendRow(
                text,
                Range(new Interval(bin.Low, bin.High)),
                bin.Count.ToString(CultureInfo.InvariantCulture),
                Percent(bin.MeanConfidence),
                Percent(bin.Accuracy));
        }

        return text.ToString();
    }

    internal static string Percent(double? value) =>
        value is null ? "n/a" : (100 * value.Value).ToString("F2", CultureInfo.InvariantCulture);

    internal static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);

    internal static void AppendRow(StringBuilder text, params IReadOnlyList<string> cells)
    {
        text.Append('|');
        foreach (var cell in cells)
        {
            text.Append(' ').Append(cell).Append(" |");
        }

        text.Append('\n');
    }

    private static string Range(Interval interval) => $"{Percent(interval.Low)} to {Percent(interval.High)}";
}
