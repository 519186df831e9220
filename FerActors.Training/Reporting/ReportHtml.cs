using System.Globalization;
using System.Net;
using System.Text;
using FerActors.Training.Evaluation;
using FerActors.Training.Robustness;

namespace FerActors.Training.Reporting;

/// <summary>The report as one page that needs nothing beside it: no script, no font, no picture from elsewhere; its policy forbids them.</summary>
public static class ReportHtml
{
    private const string Style =
        """
        :root { color-scheme: light dark; --paper: #fff; --plane: #f1f3f6; --ink: #1b2026; --quiet: #5c6773; --line: #d5dbe1;
          --first: #2563c9; --second: #d9730d; --third: #2e8b57; }
        @media (prefers-color-scheme: dark) { :root { --paper: #15181c; --plane: #20252b; --ink: #e6e9ed; --quiet: #9aa5b1;
          --line: #343b44; --first: #6ea8ff; --second: #f2a354; --third: #66c48f; } }
        body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; max-width: 860px;
          margin: 0 auto; padding: 24px; }
        h1 { font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; } h2 { font-size: 18px; margin: 32px 0 8px; }
        p { margin: 8px 0; } .quiet-text { color: var(--quiet); font-size: 13px; overflow-wrap: anywhere; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; margin: 20px 0; }
        .tile { background: var(--plane); border-radius: 8px; padding: 12px 14px; }
        .tile b { display: block; font-size: 24px; } .tile span { color: var(--quiet); font-size: 13px; display: block; }
        .wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
        th, td { padding: 5px 8px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
        th:first-child, td:first-child { text-align: left; } th { color: var(--quiet); font-weight: 600; } small { color: var(--quiet); display: block; }
        svg { width: 100%; height: auto; display: block; margin: 8px 0; font: 12.5px system-ui, "DejaVu Sans", sans-serif; }
        .label { fill: var(--ink); } .strong { fill: var(--ink); font-weight: 700; } .quiet { fill: var(--quiet); font-size: 11.5px; }
        .plane { fill: var(--plane); } .fill-first { fill: var(--first); } .fill-second { fill: var(--second); } .fill-third { fill: var(--third); }
        .curve { fill: none; stroke-width: 2.2; } .first { stroke: var(--first); } .second { stroke: var(--second); }
        .grid { stroke: var(--line); } .whisker { stroke: var(--ink); stroke-width: 1.8; }
        .diagonal { stroke: var(--quiet); stroke-dasharray: 4 4; }
        """;

    public static string Build(VersionReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var plain = report.Views[0].Evaluation;
        var after = plain.Calibrated ?? plain.Metrics;
        var text = new StringBuilder();
        text.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        text.Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
        text.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        text.Append(CultureInfo.InvariantCulture, $"<title>{E(report.Model.Name)} {E(report.Model.Version)}</title>\n<style>\n{Style}\n</style></head>\n<body>\n");
        text.Append(CultureInfo.InvariantCulture, $"<h1>{E(report.Model.Name)}, version {E(report.Model.Version)}</h1>\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"<p class=\"quiet-text\">{plain.Split}, {plain.Metrics.Count:N0} images ({E(plain.DataSha256)}); {report.Parameters:N0} parameters; weights {E(report.Model.WeightsSha256)}</p>\n");
        text.Append("<div class=\"tiles\">");
        Tile(text, "Accuracy", plain.Metrics.Accuracy, plain.Metrics.AccuracyInterval);
        Tile(text, "Macro-F1", plain.Metrics.MacroF1, plain.Intervals?.MacroF1);
        Tile(text, "Balanced accuracy", plain.Metrics.BalancedAccuracy, plain.Intervals?.BalancedAccuracy);
        Tile(text, "ECE, calibrated", after.Ece, plain.Intervals?.CalibratedEce);
        if (plain.Votes?.Majority is { } agreement)
        {
            Tile(text, "Agreement with the majority", agreement.Accuracy, agreement.AccuracyInterval);
        }

        text.Append("</div>\n");
        text.Append(CultureInfo.InvariantCulture, $"<p>{E(ReportText.Calibration(report))}</p>\n");
        text.Append("<h2>Views</h2>\n").Append(Views(report));
        text.Append(CultureInfo.InvariantCulture, $"<p class=\"quiet-text\">Per cent. {E(ReportText.Intervals(plain))}</p>\n");
        if (plain.Votes is not null)
        {
            text.Append("<h2>People's votes</h2>\n").Append(Votes(report));
            text.Append(CultureInfo.InvariantCulture, $"<p class=\"quiet-text\">Per cent, but for nats. {E(ReportText.Votes(plain.Votes))}</p>\n");
        }

        if (report.Epochs.Count > 0)
        {
            text.Append("<h2>Training</h2>\n").Append(ReportPlots.Curves(report.Epochs)).Append('\n');
        }

        text.Append("<h2>Classes</h2>\n").Append(ReportPlots.ClassBars(plain.Metrics)).Append('\n');
        text.Append("<h2>Confusion matrix</h2>\n").Append(ReportPlots.Confusion(plain.Metrics)).Append('\n');
        if (plain.Votes?.Majority is { } majority)
        {
            text.Append("<h2>Classes against the majority</h2>\n").Append(ReportPlots.ClassBars(majority)).Append('\n');
            text.Append("<h2>Confusion matrix against the majority</h2>\n").Append(ReportPlots.Confusion(majority)).Append('\n');
        }

        text.Append("<h2>Reliability</h2>\n").Append(ReportPlots.Reliability(plain.Metrics, after)).Append('\n');
        if (report.Robustness is { } robustness)
        {
            text.Append("<h2>Worse conditions</h2>\n").Append(Table(
                [.. RobustnessTable.Heads(robustness)], RobustnessTable.Cells(robustness).Select(cells => cells.Select(E).ToArray())));
            text.Append(CultureInfo.InvariantCulture, $"<p class=\"quiet-text\">{E(RobustnessTable.Note)}</p>\n");
        }

        text.Append("<h2>Worst mistakes</h2>\n").Append(Mistakes(report)).Append("</body></html>\n");
        return text.ToString();
    }

    private static string Views(VersionReport report) => Table(
        ["View", "Passes", "Accuracy", "Macro-F1", "Balanced acc.", "ECE", "ECE calibrated"],
        report.Views.Select(view =>
        {
            var (metrics, intervals) = (view.Evaluation.Metrics, view.Evaluation.Intervals);
            return new[]
            {
                E(view.View.Name()),
                view.Passes.ToString(CultureInfo.InvariantCulture),
                Cell(metrics.Accuracy, metrics.AccuracyInterval),
                Cell(metrics.MacroF1, intervals?.MacroF1),
                Cell(metrics.BalancedAccuracy, intervals?.BalancedAccuracy),
                Cell(metrics.Ece, intervals?.Ece),
                Cell(view.Evaluation.Calibrated?.Ece, intervals?.CalibratedEce),
            };
        }));

    private static string Votes(VersionReport report) => Table(
        [.. ReportText.VoteHeads],
        report.Views.Where(view => view.Evaluation.Votes is not null).Select(view => new[] { E(view.View.Name()) }
            .Concat(ReportText.VoteCells(view.Evaluation).Select(cell => cell.Nats ? EvaluationMarkdown.Number(cell.Value ?? 0) : Cell(cell.Value, cell.Interval)))
            .ToArray()));

    private static string Mistakes(VersionReport report) => Table(
        ["Row", "Label", "Predicted", "Confidence", "Loss (nats)"],
        report.WorstMistakes.Select(mistake => new[]
        {
            mistake.Row.ToString(CultureInfo.InvariantCulture),
            E(mistake.Label.ToString()),
            E(mistake.Predicted.ToString()),
            EvaluationMarkdown.Percent(mistake.Confidence),
            mistake.Loss.ToString("F2", CultureInfo.InvariantCulture),
        }));

    // The cells are HTML already.
    private static string Table(string[] heads, IEnumerable<string[]> rows) =>
        $"<div class=\"wide\"><table><tr>{string.Concat(heads.Select(head => $"<th>{E(head)}</th>"))}</tr>"
        + string.Concat(rows.Select(row => $"<tr>{string.Concat(row.Select(cell => $"<td>{cell}</td>"))}</tr>"))
        + "</table></div>\n";

    private static string Cell(double? value, Interval? interval) => interval is { } range
        ? $"{EvaluationMarkdown.Percent(value)}<small>{EvaluationMarkdown.Percent(range.Low)} to {EvaluationMarkdown.Percent(range.High)}</small>"
        : EvaluationMarkdown.Percent(value);

    private static void Tile(StringBuilder text, string name, double value, Interval? interval) => text.Append(
        CultureInfo.InvariantCulture,
        $"<div class=\"tile\"><span>{E(name)}</span><b>{EvaluationMarkdown.Percent(value)} %</b><span>{(interval is { } range ? $"{EvaluationMarkdown.Percent(range.Low)} to {EvaluationMarkdown.Percent(range.High)}" : "")}</span></div>");

    private static string E(string value) => WebUtility.HtmlEncode(value);
}
