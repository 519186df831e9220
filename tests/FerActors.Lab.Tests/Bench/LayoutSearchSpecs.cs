using FerActors.Lab.Bench;

namespace FerActors.Lab.Tests.Bench;

public sealed class LayoutSearchSpecs
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 4)]
    [InlineData(4, 16)]
    public void On_a_few_cores_every_number_of_workers_and_threads_is_tried(int cores, int expected)
    {
        var found = LayoutSearch.Find(cores, layout => Figure.Of(layout.Workers));

        Assert.Equal(expected, found.Tried.Select(t => t.Layout).Distinct().Count());
        Assert.Equal(expected, found.Tried.Count);
        Assert.Equal(cores, found.Best.Workers);
    }

    [Fact]
    public void On_many_cores_the_search_goes_on_from_the_best_power_of_two_to_the_best_of_all()
    {
        var top = new RawLayout(11, 6);

        var found = LayoutSearch.Find(16, layout => Figure.Of(1000 - Math.Abs(layout.Workers - top.Workers) - Math.Abs(layout.Threads - top.Threads)));

        Assert.Equal(top, found.Best);
        Assert.InRange(found.Tried.Count, 26, 50);
        Assert.Equal(found.Tried.Count, found.Tried.Select(t => t.Layout).Distinct().Count());
        Assert.All(found.Tried, t => Assert.True(t.Layout is { Workers: >= 1 and <= 16, Threads: >= 1 and <= 16 }));
    }

    [Fact]
    public void A_layout_that_was_not_measured_is_never_the_best()
    {
        var found = LayoutSearch.Find(2, layout => layout is { Workers: 2, Threads: 1 } ? Figure.Of(0.1) : new Figure.NotMeasured("silence"));

        Assert.Equal(new RawLayout(2, 1), found.Best);
    }
}
