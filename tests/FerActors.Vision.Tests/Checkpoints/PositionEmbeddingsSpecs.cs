using FerActors.Vision.Checkpoints;

namespace FerActors.Vision.Tests.Checkpoints;

public sealed class PositionEmbeddingsSpecs
{
    private static float[] Grid(int side, int dim, Func<int, int, int, double> value)
    {
        var positions = new float[((side * side) + 1) * dim];
        for (var channel = 0; channel < dim; channel++)
        {
            positions[channel] = -100 - channel;
        }

        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                for (var channel = 0; channel < dim; channel++)
                {
                    positions[((1 + (y * side) + x) * dim) + channel] = (float)value(y, x, channel);
                }
            }
        }

        return positions;
    }

    [Fact]
    public void The_same_size_gives_an_equal_copy()
    {
        var positions = Grid(3, 2, (y, x, channel) => (10 * y) + x + (100 * channel));
        var resized = PositionEmbeddings.Resize(positions, 2, 3, 3);
        Assert.Equal(positions, resized);
        Assert.NotSame(positions, resized);
    }

    [Theory]
    [InlineData(14, 6)]
    [InlineData(6, 14)]
    [InlineData(1, 5)]
    [InlineData(5, 1)]
    public void The_class_token_is_kept_and_a_constant_stays_one(int from, int to)
    {
        var resized = PositionEmbeddings.Resize(Grid(from, 3, (_, _, channel) => channel + 0.5), 3, from, to);
        Assert.Equal([-100, -101, -102], resized[..3]);
        Assert.Equal(((to * to) + 1) * 3, resized.Length);
        for (var i = 3; i < resized.Length; i++)
        {
            Assert.Equal((i % 3) + 0.5f, resized[i], 5);
        }
    }

    [Fact]
    public void A_ramp_stays_a_ramp_away_from_the_border()
    {
        // With a = -0.75 (unlike -0.5) a ramp has a ripple: at a quarter it is 0.296875 instead of 0.25.
        var resized = PositionEmbeddings.Resize(Grid(8, 1, (y, _, _) => y), 1, 8, 16);
        for (var y = 4; y < 12; y++)
        {
            var exact = ((y + 0.5) / 2) - 0.5;
            Assert.InRange(resized[1 + (y * 16) + 7], exact - 0.05, exact + 0.05);
        }

        // Symmetry is exact: the ramp turned around gives the result turned around.
        for (var y = 0; y < 16; y++)
        {
            Assert.Equal(7 - resized[1 + ((15 - y) * 16)], resized[1 + (y * 16)], 5);
        }
    }

    [Fact]
    public void Odd_reduction_takes_the_centres()
    {
        // 9 to 3: every centre falls on a sample, where the kernel is 1 there and 0 on all others.
        var resized = PositionEmbeddings.Resize(Grid(9, 1, (y, x, _) => (y * y) - (3 * x)), 1, 9, 3);
        int[] expected = [1 - 3, 1 - 12, 1 - 21, 16 - 3, 16 - 12, 16 - 21, 49 - 3, 49 - 12, 49 - 21];
        Assert.Equal(expected, resized[1..].Select(value => (int)MathF.Round(value)));
        Assert.All(resized[1..], value => Assert.Equal(MathF.Round(value), value, 4));
    }

    [Fact]
    public void Two_by_two_to_four_by_four_has_the_values_computed_by_hand()
    {
        // From 2 to 4 the centres lie at -0.25, 0.25, 0.75 and 1.25. With a = -0.75 the kernel is k(0.75) = 0.26171875,
        // k(1.25) = -0.10546875 and k(1.75) = -0.03515625. At -0.25 only the tap at 1 falls on the second sample; at 0.25 those
        // at 1 and 2 (clamped) do; the other two centres are their mirror images.
        const double first = -0.10546875;
        const double second = 0.26171875 - 0.03515625;
        double[] weightOfSecond = [first, second, 1 - second, 1 - first];
        double[] corners = [1, 2, 5, -3];

        var resized = PositionEmbeddings.Resize(Grid(2, 1, (y, x, _) => corners[(2 * y) + x]), 1, 2, 4);

        for (var y = 0; y < 4; y++)
        {
            for (var x = 0; x < 4; x++)
            {
                var (v, u) = (weightOfSecond[y], weightOfSecond[x]);
                var expected = ((1 - v) * (((1 - u) * corners[0]) + (u * corners[1]))) + (v * (((1 - u) * corners[2]) + (u * corners[3])));
                Assert.Equal(expected, resized[1 + (4 * y) + x], 5);
            }
        }
    }

    [Theory]
    [InlineData(2, 4)]
    [InlineData(14, 8)]
    [InlineData(5, 7)]
    [InlineData(7, 24)]
    public void Any_sizes_agree_with_a_plain_sum_over_sixteen_neighbours(int from, int to)
    {
        const int dim = 3;
        var random = new Random(7);
        var positions = Grid(from, dim, (_, _, _) => random.NextDouble() - 0.5);

        var resized = PositionEmbeddings.Resize(positions, dim, from, to);

        for (var y = 0; y < to; y++)
        {
            for (var x = 0; x < to; x++)
            {
                for (var channel = 0; channel < dim; channel++)
                {
                    Assert.Equal(Sample(positions, dim, from, to, y, x, channel), resized[((1 + (y * to) + x) * dim) + channel], 5);
                }
            }
        }
    }

    [Fact]
    public void Lengths_and_sizes_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PositionEmbeddings.Resize(new float[9], 2, 2, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => PositionEmbeddings.Resize(new float[10], 0, 2, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => PositionEmbeddings.Resize(new float[10], 2, 0, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => PositionEmbeddings.Resize(new float[10], 2, 2, 4097));
        Assert.Throws<ArgumentOutOfRangeException>(() => PositionEmbeddings.Resize(new float[1000], 500, 1, 4096));
    }

    // The definition itself, with the kernel in its textbook form.
    private static double Sample(float[] positions, int dim, int from, int to, int row, int column, int channel)
    {
        var centreY = ((row + 0.5) * from / to) - 0.5;
        var centreX = ((column + 0.5) * from / to) - 0.5;
        var sum = 0.0;
        for (var y = (int)Math.Floor(centreY) - 1; y <= (int)Math.Floor(centreY) + 2; y++)
        {
            for (var x = (int)Math.Floor(centreX) - 1; x <= (int)Math.Floor(centreX) + 2; x++)
            {
                var patch = (Math.Clamp(y, 0, from - 1) * from) + Math.Clamp(x, 0, from - 1);
                sum += Keys(centreY - y) * Keys(centreX - x) * positions[((1 + patch) * dim) + channel];
            }
        }

        return sum;
    }

    private static double Keys(double distance)
    {
        const double a = -0.75;
        var x = Math.Abs(distance);
        return x <= 1 ? ((a + 2) * Math.Pow(x, 3)) - ((a + 3) * Math.Pow(x, 2)) + 1
            : x < 2 ? (a * Math.Pow(x, 3)) - (5 * a * Math.Pow(x, 2)) + (8 * a * x) - (4 * a)
            : 0;
    }
}
