using System.Globalization;
using System.Xml.Linq;
using FerActors.Lab.Bench;

namespace FerActors.Lab.Tests.Bench;

public sealed class SvgPlotSpecs
{
    [Fact]
    public void A_cost_in_proportion_is_a_straight_line()
    {
        var svg = XDocument.Parse(SvgPlot.Draw("Cost <of> it", "size", "ms", [new PlotSeries("a & b", [(1, 3), (10, 30), (100, 300)])]));

        var points = Named(svg, "circle").Select(c => (X: Number(c, "cx"), Y: Number(c, "cy"))).ToList();
        Assert.Equal(points[1].X - points[0].X, points[2].X - points[1].X, 0.2);
        Assert.Equal(points[1].Y - points[0].Y, points[2].Y - points[1].Y, 0.2);
        Assert.True(points[2].Y < points[0].Y, "Larger values stand higher.");
        Assert.Contains(Named(svg, "text"), t => t.Value == "Cost <of> it");
        Assert.Contains(Named(svg, "text"), t => t.Value == "100");
    }

    [Fact]
    public void Equal_values_make_a_level_line_within_the_picture()
    {
        var svg = XDocument.Parse(SvgPlot.Draw("", "", "", [new PlotSeries("", [(1, 5), (4, 5)])]));

        var heights = Named(svg, "circle").Select(c => Number(c, "cy")).ToList();
        Assert.Equal(heights[0], heights[1]);
        Assert.InRange(heights[0], 40, 350);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(double.NaN)]
    public void A_value_without_a_logarithm_is_refused(double value) =>
        Assert.Throws<ArgumentException>(() => SvgPlot.Draw("", "", "", [new PlotSeries("", [(1, value)])]));

    private static IEnumerable<XElement> Named(XDocument svg, string name) => svg.Descendants().Where(e => e.Name.LocalName == name);

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);
}
