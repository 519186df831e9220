using FerActors.Training.Engine;

namespace FerActors.Training.Tests.Engine;

public sealed class ClassWeightingSpecs
{
    private static readonly int[] Histogram = [10, 20, 70];

    [Fact]
    public void None_has_no_weights() => Assert.Null(ClassWeighting.Weights(ClassWeighting.None, Histogram, 0.9));

    [Fact]
    public void Inverse_frequency_makes_classes_equal_and_keeps_the_mean_over_the_images_at_one()
    {
        var weights = ClassWeighting.Weights(ClassWeighting.InverseFrequency, Histogram, 0)!;

        Assert.Equal([100f / 30, 100f / 60, 100f / 210], weights);
        Assert.Equal(1, weights.Zip(Histogram, (w, n) => w * n).Sum() / 100, 1e-6);
    }

    [Fact]
    public void Effective_number_follows_its_formula_with_a_mean_of_one_over_the_classes()
    {
        var weights = ClassWeighting.Weights(ClassWeighting.EffectiveNumber, Histogram, 0.9)!;

        double[] effective = [.. Histogram.Select(n => (1 - Math.Pow(0.9, n)) / (1 - 0.9))];
        var scale = 3 / effective.Sum(e => 1 / e);
        SmallRun.AssertClose(effective.Select(e => (float)(scale / e)), weights, 1e-6);
        Assert.Equal(3, weights.Sum(), 1e-5);
    }

    [Fact]
    public void Effective_number_goes_from_no_weighting_to_the_inverse_frequency()
    {
        Assert.Equal([1f, 1f, 1f], ClassWeighting.Weights(ClassWeighting.EffectiveNumber, Histogram, 0)!);

        var late = ClassWeighting.Weights(ClassWeighting.EffectiveNumber, Histogram, 0.999999)!;
        Assert.Equal(7, late[0] / late[2], 1e-2);
        Assert.Equal(2, late[0] / late[1], 1e-2);
    }

    [Theory]
    [InlineData(ClassWeighting.InverseFrequency)]
    [InlineData(ClassWeighting.EffectiveNumber)]
    public void A_class_without_images_weighs_nothing_and_spoils_nothing(string method)
    {
        var weights = ClassWeighting.Weights(method, [5, 0, 5], 0.9)!;

        Assert.Equal([1f, 0f, 1f], weights);
    }
}
