using System.Globalization;
using System.Net;
using System.Text;

namespace FerActors.Training.Reporting;

/// <summary>Writes one inline SVG picture. Colours are classes of the page's style sheet; all text is escaped.</summary>
internal sealed class Svg
{
    private readonly StringBuilder _text = new();

    /// <param name="width">Of the picture's own units, which are pixels where the page is wide enough.</param>
    /// <param name="height">Likewise.</param>
    /// <param name="title">What a screen reader says.</param>
    public Svg(double width, double height, string title) => _text.Append(
        CultureInfo.InvariantCulture,
        $"<svg viewBox=\"0 0 {N(width)} {N(height)}\" style=\"max-width:{N(width)}px\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(title)}\">");

    public Svg Rect(double x, double y, double width, double height, string style, double opacity = 1)
    {
        _text.Append(
            CultureInfo.InvariantCulture,
            $"<rect x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(width)}\" height=\"{N(height)}\" class=\"{style}\" fill-opacity=\"{N(opacity)}\"/>");
        return this;
    }

    public Svg Line(double x1, double y1, double x2, double y2, string style)
    {
        _text.Append(CultureInfo.InvariantCulture, $"<line x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\" class=\"{style}\"/>");
        return this;
    }

    public Svg Curve(IEnumerable<(double X, double Y)> points, string style)
    {
        _text.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{string.Join(' ', points.Select(p => $"{N(p.X)},{N(p.Y)}"))}\" class=\"{style}\"/>");
        return this;
    }

    /// <param name="x">Anchor.</param>
    /// <param name="y">Base line.</param>
    /// <param name="text">Escaped here.</param>
    /// <param name="anchor"><c>start</c>, <c>middle</c> or <c>end</c>.</param>
    /// <param name="style">Class.</param>
    public Svg Text(double x, double y, string text, string anchor = "start", string style = "label")
    {
        _text.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"{N(x)}\" y=\"{N(y)}\" text-anchor=\"{anchor}\" class=\"{style}\">{WebUtility.HtmlEncode(text)}</text>");
        return this;
    }

    public override string ToString() => _text + "</svg>";

    private static string N(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);
}
