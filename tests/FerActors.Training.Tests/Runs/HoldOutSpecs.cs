using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Runs;
using FerActors.Training.Tests.Data;

namespace FerActors.Training.Tests.Runs;

public class HoldOutSpecs
{
    [Fact]
    public void The_same_share_of_each_class_is_held_out()
    {
        var data = Data(Enumerable.Repeat(20, 5).Append(40).Append(5));

        var held = new HoldOut(0.1, 0).Apply(data).Where(FerUsage.PublicTest);

        Assert.Equal([2, 2, 2, 2, 2, 4, 1], held.Histogram);
    }

    [Fact]
    public void Everything_else_stays_as_it_was()
    {
        var data = Data(Enumerable.Repeat(10, 7), test: 9);

        var split = new HoldOut(0.2, 3).Apply(data);

        Assert.Equal((data.Count, data.Sha256), (split.Count, split.Sha256));
        Assert.Equal((56, 14, 9), (split.CountOf(FerUsage.Training), split.CountOf(FerUsage.PublicTest), split.CountOf(FerUsage.PrivateTest)));
        Assert.Equal(0, data.CountOf(FerUsage.PublicTest));
    }

    [Fact]
    public void The_seed_alone_decides_which()
    {
        var data = Data(Enumerable.Repeat(50, 7));

        Assert.Equal(Held(1), Held(1));
        Assert.NotEqual(Held(1), Held(2));

        string Held(int seed) => new HoldOut(0.3, seed).Apply(data).Where(FerUsage.PublicTest).Sha256;
    }

    [Fact]
    public void A_class_of_one_image_keeps_it_and_no_class_goes_without_a_judge()
    {
        var split = new HoldOut(0.01, 0).Apply(Data([1, 2, 3, 4, 5, 6, 7]));

        Assert.Equal([0, 1, 1, 1, 1, 1, 1], split.Where(FerUsage.PublicTest).Histogram);
        Assert.All(split.Where(FerUsage.Training).Histogram, count => Assert.True(count > 0));
    }

    [Fact]
    public void Data_with_validation_images_of_their_own_are_left_alone()
    {
        var data = FerDataset.FromArrays(SyntheticFer.Image(0), [Expression.Happy], [FerUsage.PublicTest]);

        Assert.Contains("1 PublicTest", Assert.Throws<InvalidDataException>(() => new HoldOut(0.1, 0).Apply(data)).Message, StringComparison.Ordinal);
        Assert.Same(data, HoldOut.None.Apply(data));
    }

    [Theory]
    [InlineData(-0.1, 0)]
    [InlineData(0.5, 0)]
    [InlineData(double.NaN, 0)]
    [InlineData(0.1, -1)]
    public void A_share_or_seed_without_sense_is_refused(double share, int seed) =>
        Assert.Throws<ArgumentException>(() => HoldOut.Of(share, seed));

    private static FerDataset Data(IEnumerable<int> ofEachClass, int test = 0)
    {
        Expression[] labels =
            [.. ofEachClass.SelectMany((count, label) => Enumerable.Repeat((Expression)label, count)), .. Enumerable.Repeat(Expression.Sad, test)];
        FerUsage[] usages =
            [.. Enumerable.Repeat(FerUsage.Training, labels.Length - test), .. Enumerable.Repeat(FerUsage.PrivateTest, test)];
        return FerDataset.FromArrays([.. Enumerable.Range(0, labels.Length).SelectMany(SyntheticFer.Image)], labels, usages);
    }
}
