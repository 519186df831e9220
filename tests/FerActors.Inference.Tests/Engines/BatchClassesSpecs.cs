using FerActors.Inference.Engines;

namespace FerActors.Inference.Tests.Engines;

public sealed class BatchClassesSpecs
{
    [Theory]
    [InlineData(1, "1")]
    [InlineData(2, "1 2")]
    [InlineData(4, "1 4")]
    [InlineData(5, "1 4 5")]
    [InlineData(32, "1 4 8 16 32")]
    [InlineData(100, "1 4 8 16 32 64 100")]
    public void The_last_class_ends_with_the_largest_batch(int largest, string expected) =>
        Assert.Equal(expected, string.Join(' ', BatchClasses.UpTo(largest)));

    [Fact]
    public void Every_size_belongs_to_one_class()
    {
        var upTo = BatchClasses.UpTo(12);

        Assert.Equal([0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3], Enumerable.Range(1, 13).Select(size => BatchClasses.Of(upTo, size)));
    }

    [Fact]
    public void A_table_gives_each_batch_to_the_engine_of_its_class()
    {
        var clock = new TurnedClock();
        var (small, large) = (new FakeEngine("small", clock, _ => 1), new FakeEngine("large", clock, _ => 1));
        var table = new EngineTable([1, 4, 8], [small, small, large]);

        Assert.Equal(["small", "small", "small", "large", "large", "large"], new[] { 1, 2, 4, 5, 8, 9 }.Select(size => table.Of(size).Name));
        Assert.Equal([small, large], table.Engines);
        var other = table.Select(engine => engine.Share());
        Assert.Equal(["small", "large"], other.Engines.Select(engine => engine.Name));
        Assert.DoesNotContain(small, other.Engines);
        Assert.Same(large, new EngineTable(large).Of(1000));
    }

    [Fact]
    public void What_is_shared_goes_with_its_last_owner()
    {
        var engine = new FakeEngine("one", new TurnedClock(), _ => 1);
        var first = new Shared<FakeEngine>(engine);
        var second = first.Share();

        first.Dispose();
        Assert.False(engine.Disposed);
        second.Dispose();

        Assert.True(engine.Disposed);
        Assert.Throws<ObjectDisposedException>(() => first.Share());
    }
}
