using System.Text.Json;
using FerActors.Lab.Bench;

namespace FerActors.Lab.Tests.Bench;

public sealed class FigureSpecs
{
    private static readonly Figure Absent = new Figure.NotMeasured("it ended with code 1: KeyError");

    [Fact]
    public void A_rate_is_the_number_by_its_time() => Assert.Equal(Figure.Of(20), Figure.Rate(100, 5));

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    public void What_answered_nothing_has_no_rate(double count, double seconds) =>
        Assert.Contains("nothing was answered", Assert.IsType<Figure.NotMeasured>(Figure.Rate(count, seconds)).Why, StringComparison.Ordinal);

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void No_figure_is_infinite_or_not_a_number(double value) => Assert.IsType<Figure.NotMeasured>(Figure.Of(value));

    [Fact]
    public void What_was_not_measured_meets_no_bar()
    {
        Assert.False(Absent.IsAtLeast(double.NegativeInfinity));
        Assert.False(Absent.IsAtMost(double.PositiveInfinity));
        Assert.Equal("not measured", Absent.Show("0.0"));
    }

    [Fact]
    public void A_figure_meets_a_bar_that_it_reaches()
    {
        Assert.True(Figure.Of(0.95).IsAtLeast(0.95));
        Assert.False(Figure.Of(0.949).IsAtLeast(0.95));
        Assert.True(Figure.Of(3).IsAtMost(3));
        Assert.False(Figure.Of(3.01).IsAtMost(3));
    }

    [Fact]
    public void A_multiple_of_something_that_was_not_measured_was_not_measured_either()
    {
        Assert.Equal(Absent, Figure.Of(100).Over(Absent));
        Assert.Equal(Absent, Absent.Over(Figure.Of(100)));
        Assert.IsType<Figure.NotMeasured>(Figure.Of(100).Over(Figure.Of(0)));
        Assert.Equal(Figure.Of(4), Figure.Of(100).Over(Figure.Of(25)));
    }

    [Fact]
    public void The_median_is_the_middle_one_and_absent_where_one_of_them_is()
    {
        Assert.Equal(Figure.Of(2), Figure.Median([Figure.Of(9), Figure.Of(1), Figure.Of(2)]));
        Assert.Equal(Figure.Of(2.5), Figure.Median([Figure.Of(9), Figure.Of(1), Figure.Of(2), Figure.Of(3)]));
        Assert.Equal(Absent, Figure.Median([Figure.Of(9), Absent, Figure.Of(2)]));
    }

    [Fact]
    public void In_json_a_figure_is_a_number_or_says_why_there_is_none() =>
        Assert.Equal(
            """[12.5,{"not_measured":"it ended with code 1: KeyError"}]""", JsonSerializer.Serialize<Figure[]>([Figure.Of(12.5), Absent]));
}
