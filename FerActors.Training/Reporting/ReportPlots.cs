using System.Globalization;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Reporting;

/// <summary>The report's pictures.</summary>
internal static class ReportPlots
{
    /// <summary>Loss on the left, accuracy and macro-F1 on the right, over the epochs.</summary>
    public static string Curves(IReadOnlyList<EpochRecord> epochs)
    {
        var svg = new Svg(760, 270, "Training curves");
        var top = Math.Max(0.1, epochs.Max(e => Math.Max(e.TrainLoss, e.ValidationLoss))) * 1.05;
        Panel(svg, 45, epochs, top, "loss (nats)", "0.0", ("training", "first", e => e.TrainLoss), ("validation", "second", e => e.ValidationLoss));
        Panel(svg, 430, epochs, 1, "validation", "0.0", ("accuracy", "first", e => e.Accuracy), ("macro-F1", "second", e => e.MacroF1));
        return svg.ToString();
    }

    /// <summary>Counts, and the share of the true class behind them as a shade.</summary>
    public static string Confusion(ClassificationMetrics metrics)
    {
        const double Left = 90, Top = 44, Cell = 72, Height = 46;
        var names = metrics.Classes.Select(c => c.Expression.ToString()).ToList();
        var svg = new Svg(Left + (names.Count * Cell) + 10, Top + (names.Count * Height) + 10, "Confusion matrix");
        svg.Text(Left, 14, "predicted", style: "quiet");
        for (var row = 0; row < names.Count; row++)
        {
            svg.Text(Left + ((row + 0.5) * Cell), 34, names[row], "middle");
            svg.Text(Left - 8, Top + ((row + 0.5) * Height) + 4, names[row], "end");
            var support = metrics.Classes[row].Support;
            for (var column = 0; column < names.Count; column++)
            {
                var count = metrics.Confusion[row][column];
                var share = support == 0 ? 0 : (double)count / support;
                var (x, y) = (Left + (column * Cell), Top + (row * Height));
                svg.Rect(x + 1, y + 1, Cell - 2, Height - 2, "plane");
                svg.Rect(x + 1, y + 1, Cell - 2, Height - 2, "fill-first", 0.6 * share);
                svg.Text(x + (Cell / 2), y + 20, count.ToString(CultureInfo.InvariantCulture), "middle", row == column ? "strong" : "label");
                svg.Text(x + (Cell / 2), y + 36, share.ToString("P0", CultureInfo.InvariantCulture), "middle", "quiet");
            }
        }

        return svg.ToString();
    }

    /// <summary>Accuracy over confidence, before on the left and after on the right; a bar's strength is its share of the images.</summary>
    public static string Reliability(ClassificationMetrics before, ClassificationMetrics after)
    {
        var svg = new Svg(760, 330, "Reliability diagrams before and after temperature scaling");
        Diagram(svg, 45, before, "before");
        Diagram(svg, 430, after, "after");
        return svg.ToString();
    }

    /// <summary>Precision, recall with its interval, and F1 of each class.</summary>
    public static string ClassBars(ClassificationMetrics metrics)
    {
        const double Left = 110, Width = 560, Group = 52, Bar = 12, Top = 30;
        var svg = new Svg(Left + Width + 80, Top + (metrics.Classes.Count * Group) + 24, "Precision, recall and F1 of each class");
        (string Name, string Style, Func<ClassMetrics, double?> Value)[] bars =
            [("precision", "fill-first", c => c.Precision), ("recall", "fill-second", c => c.Recall), ("F1", "fill-third", c => c.F1)];
        for (var i = 0; i < bars.Length; i++)
        {
            svg.Rect(Left + (i * 100), 6, 12, 12, bars[i].Style).Text(Left + (i * 100) + 18, 16, bars[i].Name);
        }

        for (var tick = 0; tick <= 5; tick++)
        {
            var x = Left + (Width * tick / 5);
            svg.Line(x, Top, x, Top + (metrics.Classes.Count * Group), "grid");
            svg.Text(x, Top + (metrics.Classes.Count * Group) + 16, (tick / 5.0).ToString("0.0", CultureInfo.InvariantCulture), "middle", "quiet");
        }

        for (var row = 0; row < metrics.Classes.Count; row++)
        {
            var item = metrics.Classes[row];
            var y = Top + (row * Group) + 7;
            svg.Text(Left - 8, y + 16, item.Expression.ToString(), "end");
            svg.Text(Left - 8, y + 31, string.Create(CultureInfo.InvariantCulture, $"n = {item.Support}"), "end", "quiet");
            for (var i = 0; i < bars.Length; i++)
            {
                var value = bars[i].Value(item);
                svg.Rect(Left, y + (i * Bar), Width * (value ?? 0), Bar - 2, bars[i].Style);
                svg.Text(Left + Width + 8, y + (i * Bar) + 10, value?.ToString("F3", CultureInfo.InvariantCulture) ?? "n/a", style: "quiet");
            }

            if (item.RecallInterval is { } interval)
            {
                svg.Line(Left + (Width * interval.Low), y + Bar + 5, Left + (Width * interval.High), y + Bar + 5, "whisker");
            }
        }

        return svg.ToString();
    }

    private static void Panel(
        Svg svg,
        double left,
        IReadOnlyList<EpochRecord> epochs,
        double top,
        string title,
        string format,
        params (string Name, string Style, Func<EpochRecord, double> Value)[] curves)
    {
        const double Width = 310, Above = 40, Height = 190;
        double X(int i) => left + (epochs.Count == 1 ? Width / 2 : Width * i / (epochs.Count - 1));
        double Y(double value) => Above + (Height * (1 - (Math.Clamp(value, 0, top) / top)));
        svg.Text(left, 14, title, style: "strong");
        for (var tick = 0; tick <= 5; tick++)
        {
            var value = top * tick / 5;
            svg.Line(left, Y(value), left + Width, Y(value), "grid");
            svg.Text(left - 6, Y(value) + 4, value.ToString(format, CultureInfo.InvariantCulture), "end", "quiet");
        }

        svg.Text(left, Above + Height + 18, epochs[0].Epoch.ToString(CultureInfo.InvariantCulture), "middle", "quiet");
        svg.Text(left + (Width / 2), Above + Height + 18, "epoch", "middle", "quiet");
        svg.Text(left + Width, Above + Height + 18, epochs[^1].Epoch.ToString(CultureInfo.InvariantCulture), "middle", "quiet");
        for (var i = 0; i < curves.Length; i++)
        {
            var curve = curves[i];
            svg.Rect(left + 110 + (i * 100), 4, 12, 12, "fill-" + curve.Style).Text(left + 128 + (i * 100), 14, curve.Name);
            svg.Curve(epochs.Select((e, at) => (X(at), Y(curve.Value(e)))), "curve " + curve.Style);
        }
    }

    private static void Diagram(Svg svg, double left, ClassificationMetrics metrics, string title)
    {
        const double Side = 250, Above = 30;
        double X(double value) => left + (Side * value);
        double Y(double value) => Above + (Side * (1 - value));
        svg.Text(left, 14, string.Create(CultureInfo.InvariantCulture, $"{title}: ECE {metrics.Ece:P2}"), style: "strong");
        for (var tick = 0; tick <= 5; tick++)
        {
            var value = tick / 5.0;
            var text = value.ToString("0.0", CultureInfo.InvariantCulture);
            svg.Line(left, Y(value), left + Side, Y(value), "grid");
            svg.Text(left - 6, Y(value) + 4, text, "end", "quiet").Text(X(value), Above + Side + 16, text, "middle", "quiet");
        }

        var fullest = Math.Max(1, metrics.Reliability.Max(bin => bin.Count));
        foreach (var bin in metrics.Reliability.Where(bin => bin.Count > 0))
        {
            var strength = 0.25 + (0.75 * bin.Count / fullest);
            svg.Rect(X(bin.Low) + 1, Y(bin.Accuracy!.Value), X(bin.High) - X(bin.Low) - 2, Side * bin.Accuracy.Value, "fill-first", strength);
            svg.Line(X(bin.Low) + 1, Y(bin.MeanConfidence!.Value), X(bin.High) - 1, Y(bin.MeanConfidence.Value), "whisker");
        }

        svg.Line(X(0), Y(0), X(1), Y(1), "diagonal");
        svg.Text(left + (Side / 2), Above + Side + 34, "confidence (line: mean of the bin; bar: accuracy)", "middle", "quiet");
    }
}
