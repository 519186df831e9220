using System.Globalization;
using System.Text;

namespace FerActors.Lab.Bench;

/// <param name="Name">For the legend.</param>
/// <param name="Points">In the order in which they are joined; both values above 0.</param>
internal sealed record PlotSeries(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Line charts with two logarithmic axes, on which a cost that grows in proportion is a straight line of slope 1.</summary>
internal static class SvgPlot
{
    private const int Width = 640;
    private const int Height = 400;
    private const int Left = 70;
    private const int Right = 20;
    private const int Top = 40;
    private const int Bottom = 50;

    // Told apart by people who see red and green alike (Okabe and Ito).
    private static readonly string[] Colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

    /// <summary>Draws a chart.</summary>
    /// <exception cref="ArgumentException">There is no point, or one that has no logarithm.</exception>
    public static string Draw(string title, string x, string y, IReadOnlyList<PlotSeries> series)
    {
        var points = series.SelectMany(s => s.Points).ToList();
        if (points.Count == 0 || points.Any(p => !(p.X > 0 && p.Y > 0 && double.IsFinite(p.X + p.Y))))
        {
            throw new ArgumentException("A logarithmic plot needs points with finite values above 0.", nameof(series));
        }

        var across = new Axis(points.Select(p => p.X), Left, Width - Right);
        var up = new Axis(points.Select(p => p.Y), Height - Bottom, Top);
        var svg = new StringBuilder();
        svg.AppendLine(Text($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="12">"""));
        svg.AppendLine(Text($"""<rect width="{Width}" height="{Height}" fill="white"/>"""));
        svg.AppendLine(Text($"""<text x="{Width / 2}" y="20" text-anchor="middle" font-size="15">{Escape(title)}</text>"""));
        foreach (var (value, at) in across.Ticks)
        {
            svg.AppendLine(Text($"""<path d="M{at:0.0} {Top}V{Height - Bottom}" stroke="#ddd"/><text x="{at:0.0}" y="{Height - Bottom + 16}" text-anchor="middle">{Short(value)}</text>"""));
        }

        foreach (var (value, at) in up.Ticks)
        {
            svg.AppendLine(Text($"""<path d="M{Left} {at:0.0}H{Width - Right}" stroke="#ddd"/><text x="{Left - 6}" y="{at + 4:0.0}" text-anchor="end">{Short(value)}</text>"""));
        }

        svg.AppendLine(Text($"""<text x="{(Left + Width - Right) / 2}" y="{Height - 12}" text-anchor="middle">{Escape(x)}</text>"""));
        svg.AppendLine(Text($"""<text transform="translate(16 {(Top + Height - Bottom) / 2}) rotate(-90)" text-anchor="middle">{Escape(y)}</text>"""));
        for (var i = 0; i < series.Count; i++)
        {
            var colour = Colours[i % Colours.Length];
            var line = string.Join(' ', series[i].Points.Select(p => Text($"{across.At(p.X):0.0},{up.At(p.Y):0.0}")));
            svg.AppendLine(Text($"""<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>"""));
            foreach (var (px, py) in series[i].Points)
            {
                svg.AppendLine(Text($"""<circle cx="{across.At(px):0.0}" cy="{up.At(py):0.0}" r="3" fill="{colour}"/>"""));
            }

            svg.AppendLine(Text($"""<text x="{Left + 10}" y="{Top + 16 + (16 * i)}" fill="{colour}">{Escape(series[i].Name)}</text>"""));
        }

        return svg.AppendLine("</svg>").ToString();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Short(double value) => value switch
    {
        >= 1_000_000 => Text($"{value / 1_000_000:0.###}M"),
        >= 1000 => Text($"{value / 1000:0.###}k"),
        _ => Text($"{value:0.###}"),
    };

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private sealed class Axis
    {
        private readonly double _low;
        private readonly double _high;
        private readonly int _from;
        private readonly int _to;

        public Axis(IEnumerable<double> values, int from, int to)
        {
            var logs = values.Select(Math.Log10).ToList();
            (_low, _high) = (logs.Min(), logs.Max());

            // At least a third of a decade, so that equal values make a level line and not a wall.
            if (_high - _low < 1.0 / 3)
            {
                (_low, _high) = (_low - (1.0 / 6), _high + (1.0 / 6));
            }

            (_from, _to) = (from, to);
        }

        /// <summary>1, 2 and 5 of each decade within the values, or only 1 where that were too many.</summary>
        public IEnumerable<(double Value, double At)> Ticks
        {
            get
            {
                int[] steps = _high - _low > 2.5 ? [1] : [1, 2, 5];
                for (var decade = (int)Math.Floor(_low); decade <= _high; decade++)
                {
                    foreach (var value in steps.Select(step => step * Math.Pow(10, decade)).Where(v => Math.Log10(v) >= _low - 1e-9 && Math.Log10(v) <= _high + 1e-9))
                    {
                        yield return (value, At(value));
                    }
                }
            }
        }

        public double At(double value) => _from + ((Math.Log10(value) - _low) / (_high - _low) * (_to - _from));
    }
}
