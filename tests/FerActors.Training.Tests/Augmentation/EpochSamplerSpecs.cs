using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;

namespace FerActors.Training.Tests.Augmentation;

public sealed class EpochSamplerSpecs
{
    private static readonly Expression[] Labels =
        [.. Enumerable.Repeat(Expression.Happy, 640), .. Enumerable.Repeat(Expression.Disgust, 40), .. Enumerable.Repeat(Expression.Fear, 320)];

    [Fact]
    public void An_epoch_holds_every_sample_once()
    {
        var order = new EpochSampler(1, 1000).Order(0);

        Assert.Equal(Enumerable.Range(0, 1000), order.Order());
        Assert.NotEqual(Enumerable.Range(0, 1000), order);
    }

    [Fact]
    public void The_order_is_a_pure_function_of_seed_and_epoch()
    {
        Assert.Equal(new EpochSampler(1, 100).Order(7), new EpochSampler(1, 100).Order(7));
        Assert.NotEqual(new EpochSampler(1, 100).Order(7), new EpochSampler(1, 100).Order(8));
        Assert.NotEqual(new EpochSampler(1, 100).Order(7), new EpochSampler(2, 100).Order(7));
    }

    [Fact]
    public void Full_balance_shows_every_class_as_often()
    {
        var sampler = EpochSampler.Balanced(1, Labels, 1);

        var order = sampler.Order(0);

        Assert.Equal(1000, order.Length);
        Assert.Equal(order, EpochSampler.Balanced(1, Labels, 1).Order(0));
        Assert.All(order.CountBy(i => Labels[i]), pair => Assert.InRange(pair.Value, 325, 342));

        // Each of the 40 rare images has 8.33 copies: 8 or 9, never by luck 2 or 20.
        Assert.All(order.Where(i => Labels[i] == Expression.Disgust).CountBy(i => i), pair => Assert.InRange(pair.Value, 8, 9));
    }

    [Fact]
    public void Half_balance_lies_between()
    {
        var weights = new[] { Math.Sqrt(640), Math.Sqrt(40), Math.Sqrt(320) };
        var order = EpochSampler.Balanced(3, Labels, 0.5).Order(2);

        Assert.InRange(order.Count(i => Labels[i] == Expression.Disgust), (1000 * weights[1] / weights.Sum()) - 20, (1000 * weights[1] / weights.Sum()) + 20);
        Assert.InRange(order.Count(i => Labels[i] == Expression.Happy), (1000 * weights[0] / weights.Sum()) - 20, (1000 * weights[0] / weights.Sum()) + 20);
    }

    [Fact]
    public void Frequent_images_left_out_of_one_epoch_come_in_others()
    {
        var sampler = EpochSampler.Balanced(1, Labels, 1);

        var seen = Enumerable.Range(0, 12).SelectMany(sampler.Order).ToHashSet();

        Assert.True(seen.Count > 990);
    }

    [Fact]
    public void No_balance_is_the_plain_order() =>
        Assert.Equal(new EpochSampler(5, Labels.Length).Order(3), EpochSampler.Balanced(5, Labels, 0).Order(3));

    [Fact]
    public void One_class_alone_needs_no_balance() =>
        Assert.Equal(Enumerable.Range(0, 50), EpochSampler.Balanced(1, new Expression[50], 1).Order(0).Order());

    [Fact]
    public void Arguments_outside_their_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new EpochSampler(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => EpochSampler.Balanced(1, [], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => EpochSampler.Balanced(1, Labels, 1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => EpochSampler.Balanced(1, Labels, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EpochSampler(1, 5).Order(-1));
    }
}
