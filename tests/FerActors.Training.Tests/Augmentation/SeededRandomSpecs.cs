using FerActors.Training.Augmentation;

namespace FerActors.Training.Tests.Augmentation;

public sealed class SeededRandomSpecs
{
    [Fact]
    public void The_same_numbers_give_the_same_sequence()
    {
        var first = SeededRandom.For(42, RandomPurpose.Augmentation, 3, 17);
        var second = SeededRandom.For(42, RandomPurpose.Augmentation, 3, 17);

        Assert.Equal(Draw(ref first, 100), Draw(ref second, 100));
    }

    [Fact]
    public void The_sequence_is_pinned_so_that_old_runs_can_be_resumed()
    {
        var random = new SeededRandom(1, 2, 3);

        Assert.Equal([0x2F8BF0EA3653AFC9UL, 0x20849D9A6C301029UL, 0x49CA793D6549D700UL], Draw(ref random, 3));
    }

    [Fact]
    public void Neighbouring_seeds_streams_and_counters_share_nothing()
    {
        var seen = new HashSet<ulong>();
        for (ulong seed = 0; seed < 8; seed++)
        {
            for (ulong stream = 0; stream < 8; stream++)
            {
                for (ulong counter = 0; counter < 8; counter++)
                {
                    var random = new SeededRandom(seed, stream, counter);
                    Assert.All(Draw(ref random, 4), value => Assert.True(seen.Add(value)));
                }
            }
        }
    }

    [Fact]
    public void First_numbers_of_neighbouring_samples_are_uniform()
    {
        var counts = new int[16];
        for (var position = 0; position < 16_000; position++)
        {
            var random = SeededRandom.For(0, RandomPurpose.Augmentation, 0, position);
            counts[random.NextInt32(16)]++;
        }

        // Chi-square with 15 degrees of freedom: 45 is passed by chance once in 10,000 seeds; the seed is fixed.
        Assert.True(counts.Sum(count => Math.Pow(count - 1000, 2) / 1000) < 45);
    }

    [Fact]
    public void Uniform_numbers_have_the_mean_and_spread_of_uniform_numbers()
    {
        var random = new SeededRandom(5, 0, 0);
        var doubles = Enumerable.Range(0, 20_000).Select(_ => random.NextDouble()).ToArray();
        var singles = Enumerable.Range(0, 20_000).Select(_ => (double)random.NextSingle(-1, 3)).ToArray();

        Assert.All(doubles, value => Assert.InRange(value, 0, Math.BitDecrement(1.0)));
        Assert.All(singles, value => Assert.InRange(value, -1, 3));
        Assert.InRange(doubles.Average(), 0.49, 0.51);
        Assert.InRange(Variance(doubles), (1 / 12.0) - 0.003, (1 / 12.0) + 0.003);
        Assert.InRange(singles.Average(), 0.96, 1.04);
    }

    [Fact]
    public void Normal_numbers_have_mean_0_and_deviation_1()
    {
        var random = new SeededRandom(6, 0, 0);
        var values = Enumerable.Range(0, 20_000).Select(_ => random.NextNormal()).ToArray();

        Assert.InRange(values.Average(), -0.03, 0.03);
        Assert.InRange(Variance(values), 0.96, 1.04);
        Assert.InRange(values.Count(value => Math.Abs(value) < 1.96) / 20_000.0, 0.94, 0.96);
    }

    [Theory]
    [InlineData(0.001)]
    [InlineData(0.1)]
    [InlineData(0.4)]
    [InlineData(1)]
    [InlineData(2.5)]
    [InlineData(50)]
    public void Beta_numbers_have_the_mean_and_variance_of_beta(double alpha)
    {
        var random = new SeededRandom(7, 0, 0);
        var values = Enumerable.Range(0, 20_000).Select(_ => random.NextBeta(alpha)).ToArray();
        var variance = 1 / (4 * ((2 * alpha) + 1));

        Assert.All(values, value => Assert.InRange(value, 0, 1));
        Assert.InRange(values.Average(), 0.48, 0.52);
        Assert.InRange(Variance(values), variance * 0.95, variance * 1.05);
    }

    [Fact]
    public void Integers_stay_below_their_bound()
    {
        var random = new SeededRandom(8, 0, 0);
        var values = Enumerable.Range(0, 1000).Select(_ => random.NextInt32(3)).ToArray();

        Assert.Equal([0, 1, 2], values.Distinct().Order());
        Assert.Equal(0, random.NextInt32(1));
        Assert.InRange(random.NextInt32(int.MaxValue), 0, int.MaxValue - 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeededRandom(1, 1, 1).NextInt32(0));
    }

    [Fact]
    public void Every_order_of_a_shuffle_is_as_likely()
    {
        var counts = new Dictionary<string, int>();
        var random = new SeededRandom(9, 0, 0);
        for (var i = 0; i < 6000; i++)
        {
            char[] items = ['a', 'b', 'c'];
            random.Shuffle<char>(items);
            var order = new string(items);
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }

        Assert.Equal(6, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 850, 1150));
    }

    [Fact]
    public void A_negative_epoch_or_position_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => SeededRandom.For(1, RandomPurpose.Order, -1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => SeededRandom.For(1, RandomPurpose.Order, 0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeededRandom(1, 1, 1).NextBeta(0));
    }

    private static ulong[] Draw(ref SeededRandom random, int count)
    {
        var values = new ulong[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = random.NextUInt64();
        }

        return values;
    }

    private static double Variance(double[] values)
    {
        var mean = values.Average();
        return values.Average(value => (value - mean) * (value - mean));
    }
}
