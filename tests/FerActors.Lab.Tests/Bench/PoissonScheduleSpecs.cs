using FerActors.Lab.Bench;

namespace FerActors.Lab.Tests.Bench;

public sealed class PoissonScheduleSpecs
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(0.5)]
    [InlineData(20)]
    public void As_many_come_as_the_rate_says(double rate)
    {
        var arrivals = PoissonSchedule.Arrivals(rate, Hour, seed: 3);

        // A count of that mean deviates by its root; five of them are never seen.
        var mean = rate * Hour.TotalSeconds;
        Assert.InRange(arrivals.Count, mean - (5 * Math.Sqrt(mean)), mean + (5 * Math.Sqrt(mean)));
        Assert.Equal(arrivals.Order(), arrivals);
        Assert.InRange(arrivals[^1], TimeSpan.Zero, Hour);
    }

    [Fact]
    public void The_gaps_are_exponential()
    {
        var arrivals = PoissonSchedule.Arrivals(10, Hour, seed: 5);
        var gaps = arrivals.Skip(1).Select((at, i) => (at - arrivals[i]).TotalSeconds).Order().ToArray();

        // Its deviation is its mean, its median the mean times the logarithm of 2, and 1 of e^3 is three times as long as the mean.
        Assert.Equal(0.1, Math.Sqrt(gaps.Average(g => Math.Pow(g - 0.1, 2))), 0.005);
        Assert.Equal(0.1 * Math.Log(2), gaps[gaps.Length / 2], 0.003);
        Assert.Equal(Math.Exp(-3), gaps.Count(g => g > 0.3) / (double)gaps.Length, 0.01);
    }

    [Fact]
    public void A_seed_repeats_its_moments_and_another_one_has_others()
    {
        var first = PoissonSchedule.Arrivals(10, TimeSpan.FromSeconds(10), seed: 1);

        Assert.Equal(first, PoissonSchedule.Arrivals(10, TimeSpan.FromSeconds(10), seed: 1));
        Assert.NotEqual(first, PoissonSchedule.Arrivals(10, TimeSpan.FromSeconds(10), seed: 2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_rate_must_be_above_zero(double rate) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PoissonSchedule.Arrivals(rate, Hour, seed: 1));
}
