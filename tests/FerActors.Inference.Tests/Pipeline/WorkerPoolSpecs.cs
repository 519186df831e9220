using FerActors.Inference.Pipeline;

namespace FerActors.Inference.Tests.Pipeline;

public sealed class WorkerPoolSpecs
{
    [Fact]
    public void A_pool_needs_a_worker() => Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerPool<string>(0, 1));

    [Fact]
    public void An_image_goes_to_an_idle_worker_and_each_worker_has_one()
    {
        var pool = new WorkerPool<string>(2, 2);

        Assert.True(pool.TryAdmit("a", out var first));
        Assert.True(pool.TryAdmit("b", out var second));

        Assert.Equal([0, 1], new[] { first, second });
        Assert.Equal(0, pool.Waiting);
    }

    [Fact]
    public void What_finds_no_idle_worker_waits_until_the_queue_is_full()
    {
        var pool = new WorkerPool<string>(1, 2);
        pool.TryAdmit("a", out _);

        Assert.True(pool.TryAdmit("b", out var b));
        Assert.True(pool.TryAdmit("c", out var c));
        Assert.False(pool.TryAdmit("d", out var d));

        Assert.Equal([-1, -1, -1], new[] { b, c, d });
        Assert.Equal(2, pool.Waiting);
    }

    [Fact]
    public void A_worker_that_is_done_gets_the_image_that_waits_longest_and_is_idle_after_the_last()
    {
        var pool = new WorkerPool<string>(1, 2);
        pool.TryAdmit("a", out var worker);
        pool.TryAdmit("b", out _);
        pool.TryAdmit("c", out _);

        Assert.True(pool.TryContinue(worker, out var next));
        Assert.Equal("b", next);
        Assert.True(pool.TryContinue(worker, out next));
        Assert.Equal("c", next);
        Assert.False(pool.TryContinue(worker, out _));
        Assert.True(pool.TryAdmit("d", out var again));
        Assert.Equal(worker, again);
    }
}
