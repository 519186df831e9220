using System.Diagnostics;
using FerActors.Inference.Serving;

namespace FerActors.Inference.Tests.Serving;

public sealed class PassClockSpecs
{
    private readonly PassClock _clock = new();

    [Fact]
    public void A_time_without_a_batch_is_idle_and_no_gap()
    {
        _clock.Passed(1, At(0), At(0), At(10));
        _clock.Passed(1, At(5000), At(5002), At(5010));

        Assert.Equal((2.0, 0.0, 4990.0), (_clock.LongestOtherGapMs, _clock.LongestSwapGapMs, _clock.LongestIdleMs), Close);
    }

    [Fact]
    public void A_batch_that_waits_is_a_gap_and_one_across_a_change_of_champion_is_the_swaps()
    {
        _clock.Passed(1, At(0), At(0), At(10));
        _clock.Passed(1, At(5), At(13), At(20));
        _clock.Passed(2, At(15), At(27), At(30));

        Assert.Equal((3.0, 7.0, 0.0), (_clock.LongestOtherGapMs, _clock.LongestSwapGapMs, _clock.LongestIdleMs), Close);
    }

    private static long At(double ms) => (long)(ms * Stopwatch.Frequency / 1000);

    private static bool Close((double, double, double) a, (double, double, double) b) =>
        Math.Abs(a.Item1 - b.Item1) < 0.01 && Math.Abs(a.Item2 - b.Item2) < 0.01 && Math.Abs(a.Item3 - b.Item3) < 0.01;
}
