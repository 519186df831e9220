using FerActors.Shared.Labels;
using FerActors.Training.Data;

namespace FerActors.Training.Tests.Data;

public sealed class DuplicateFinderSpecs
{
    private static readonly byte[] Face = SyntheticFer.SmoothImage(1);

    [Fact]
    public void Equal_pixels_are_found_across_splits_and_labels()
    {
        var set = SyntheticFer.Dataset(
            (SyntheticFer.Image(0), Expression.Happy, FerUsage.Training),
            (SyntheticFer.Image(1), Expression.Happy, FerUsage.Training),
            (SyntheticFer.Image(0), Expression.Sad, FerUsage.Training),
            (SyntheticFer.Image(1), Expression.Happy, FerUsage.PublicTest),
            (SyntheticFer.Image(2), Expression.Happy, FerUsage.PrivateTest));

        var report = DuplicateFinder.Find(set);

        Assert.Equal(2, report.ExactGroups.Count);
        Assert.Equal([0, 2], report.ExactGroups[0]);
        Assert.Equal([1, 3], report.ExactGroups[1]);
        Assert.Equal(2, report.ExactDuplicates);
        Assert.Equal(1, report.ConflictingGroups);
        Assert.Equal([1], report.ExactLeaks);
        Assert.Empty(report.NearPairs);
    }

    [Fact]
    public void An_image_with_noise_is_nearly_the_same_and_another_is_not()
    {
        var set = SyntheticFer.Dataset(
            (Face, Expression.Happy, FerUsage.Training),
            (SyntheticFer.SmoothImage(2), Expression.Happy, FerUsage.Training),
            (Noisy(Face), Expression.Happy, FerUsage.PublicTest));

        var report = DuplicateFinder.Find(set);

        var pair = Assert.Single(report.NearPairs);
        Assert.Equal((0, 2), (pair.First, pair.Second));
        Assert.InRange(pair.MeanDifference, 0.1, 3);
        Assert.Empty(report.ExactLeaks);
        Assert.Equal([0], report.Leaks);
    }

    [Fact]
    public void Every_pair_within_the_distance_is_found_once()
    {
        var images = Enumerable.Range(0, 120).Select(i => i % 3 == 0 ? SyntheticFer.SmoothImage(i) : Noisy(SyntheticFer.SmoothImage(i - (i % 3)), i)).ToArray();
        var set = SyntheticFer.Dataset([.. images.Select(image => (image, Expression.Happy, FerUsage.Training))]);
        var options = new DuplicateOptions { MaxHashDistance = 6, MaxMeanDifference = 255 };

        var found = DuplicateFinder.Find(set, options).NearPairs.Select(pair => (pair.First, pair.Second)).ToList();

        var hashes = images.Select(image => PerceptualHash.Compute(image)).ToArray();
        var wanted = from first in Enumerable.Range(0, images.Length)
                     from second in Enumerable.Range(first + 1, images.Length - first - 1)
                     where ulong.PopCount(hashes[first] ^ hashes[second]) <= 6
                     select (first, second);
        Assert.True(found.Count >= 100);
        Assert.Equal(wanted, found);
    }

    [Fact]
    public void Equal_gradients_with_other_pixels_are_kept_apart()
    {
        byte[] half = [.. Face.Select(level => (byte)(level / 2))];
        var set = SyntheticFer.Dataset((Face, Expression.Happy, FerUsage.Training), (half, Expression.Happy, FerUsage.PublicTest));

        Assert.Empty(DuplicateFinder.Find(set).NearPairs);
        Assert.Single(DuplicateFinder.Find(set, new DuplicateOptions { MaxMeanDifference = 255 }).NearPairs);
    }

    [Fact]
    public void Training_images_that_stand_in_an_evaluation_split_are_dropped()
    {
        var set = SyntheticFer.Dataset(
            (Face, Expression.Happy, FerUsage.Training),
            (Face, Expression.Happy, FerUsage.Training),
            (Noisy(Face), Expression.Happy, FerUsage.Training),
            (SyntheticFer.SmoothImage(2), Expression.Happy, FerUsage.Training),
            (Face, Expression.Happy, FerUsage.PublicTest));
        var report = DuplicateFinder.Find(set);

        var clean = DuplicateFinder.RemoveFromTraining(set, report);
        var exact = DuplicateFinder.RemoveFromTraining(set, report, exactOnly: true);

        Assert.Equal([FerUsage.Training, FerUsage.PublicTest], Enumerable.Range(0, clean.Count).Select(clean.Usage));
        Assert.Equal(SyntheticFer.SmoothImage(2), clean.Pixels(0).ToArray());
        Assert.Equal(3, exact.Count);
    }

    [Fact]
    public void Duplicates_within_training_stay()
    {
        var set = SyntheticFer.Dataset((Face, Expression.Happy, FerUsage.Training), (Face, Expression.Happy, FerUsage.Training));

        Assert.Equal(2, DuplicateFinder.RemoveFromTraining(set, DuplicateFinder.Find(set)).Count);
    }

    [Fact]
    public void Options_outside_their_range_are_refused()
    {
        var set = SyntheticFer.Dataset((Face, Expression.Happy, FerUsage.Training));

        Assert.Throws<ArgumentOutOfRangeException>(() => DuplicateFinder.Find(set, new DuplicateOptions { MaxHashDistance = 8 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => DuplicateFinder.Find(set, new DuplicateOptions { MaxMeanDifference = double.NaN }));
    }

    private static byte[] Noisy(byte[] image, int number = 5)
    {
        var noise = SyntheticFer.Image(number);
        return [.. image.Select((level, i) => (byte)Math.Clamp(level + (noise[i] % 7) - 3, 0, 255))];
    }
}
