using FerActors.Shared.Labels;
using FerActors.Training.Data;

namespace FerActors.Training.Tests.Data;

public sealed class FerDatasetSpecs
{
    private static readonly FerDataset Set = SyntheticFer.Dataset(
        (SyntheticFer.Image(0), Expression.Happy, FerUsage.Training),
        (SyntheticFer.Image(1), Expression.Sad, FerUsage.PublicTest),
        (SyntheticFer.Image(2), Expression.Happy, FerUsage.Training),
        (SyntheticFer.Image(3), Expression.Fear, FerUsage.PrivateTest));

    [Fact]
    public void An_image_has_its_pixels_label_and_usage()
    {
        Assert.Equal(4, Set.Count);
        Assert.Equal(SyntheticFer.Image(3), Set.Pixels(3).ToArray());
        Assert.Equal(Expression.Fear, Set.Label(3));
        Assert.Equal(FerUsage.PrivateTest, Set.Usage(3));
        Assert.Equal([Expression.Happy, Expression.Sad, Expression.Happy, Expression.Fear], Set.Labels());
    }

    [Fact]
    public void The_histogram_counts_each_class() => Assert.Equal([0, 0, 1, 2, 1, 0, 0], Set.Histogram);

    [Fact]
    public void A_split_holds_its_images_in_order()
    {
        var training = Set.Where(FerUsage.Training);

        Assert.Equal(2, training.Count);
        Assert.Equal(2, Set.CountOf(FerUsage.Training));
        Assert.Equal(SyntheticFer.Image(2), training.Pixels(1).ToArray());
        Assert.Equal([0, 0, 0, 2, 0, 0, 0], training.Histogram);
    }

    [Fact]
    public void A_subset_of_a_subset_counts_from_the_subset()
    {
        var image = Set.Where(i => i > 0).Select([2, 0]);

        Assert.Equal(SyntheticFer.Image(3), image.Pixels(0).ToArray());
        Assert.Equal(Expression.Sad, image.Label(1));
    }

    [Fact]
    public void An_index_outside_the_set_is_refused()
    {
        var training = Set.Where(FerUsage.Training);

        Assert.Throws<ArgumentOutOfRangeException>(() => training.Label(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => training.Usage(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => training.Select([0, 2]));
    }

    [Fact]
    public void The_hash_names_pixels_and_labels_in_order()
    {
        var same = SyntheticFer.Dataset((SyntheticFer.Image(0), Expression.Happy, FerUsage.PublicTest));
        var otherLabel = SyntheticFer.Dataset((SyntheticFer.Image(0), Expression.Sad, FerUsage.Training));

        Assert.Equal(same.Sha256, Set.Select([0]).Sha256);
        Assert.NotEqual(otherLabel.Sha256, same.Sha256);
        Assert.NotEqual(Set.Select([0, 1]).Sha256, Set.Select([1, 0]).Sha256);
        Assert.Matches("^[0-9a-f]{64}$", Set.Sha256);
    }

    [Fact]
    public void The_arrays_that_it_was_made_of_may_change_afterwards()
    {
        var pixels = SyntheticFer.Image(0);
        var set = FerDataset.FromArrays(pixels, [Expression.Happy], [FerUsage.Training]);
        pixels[0] ^= 0xFF;

        Assert.Equal(SyntheticFer.Image(0), set.Pixels(0).ToArray());
    }

    [Fact]
    public void Arrays_that_do_not_agree_are_refused()
    {
        var pixels = SyntheticFer.Image(0);

        Assert.Throws<ArgumentException>(() => FerDataset.FromArrays(pixels.AsSpan(1), [Expression.Happy], [FerUsage.Training]));
        Assert.Throws<ArgumentException>(() => FerDataset.FromArrays(pixels, [Expression.Happy], []));
        Assert.Throws<ArgumentException>(() => FerDataset.FromArrays(pixels, [(Expression)7], [FerUsage.Training]));
        Assert.Throws<ArgumentException>(() => FerDataset.FromArrays(pixels, [Expression.Happy], [(FerUsage)3]));
    }

    [Fact]
    public void An_empty_subset_is_a_set()
    {
        var empty = Set.Where(_ => false);

        Assert.Equal(0, empty.Count);
        Assert.All(empty.Histogram, count => Assert.Equal(0, count));
        Assert.Matches("^[0-9a-f]{64}$", empty.Sha256);
    }
}
