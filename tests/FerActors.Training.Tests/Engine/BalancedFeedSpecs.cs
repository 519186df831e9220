using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Tests.Data;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Engine;

public sealed class BalancedFeedSpecs
{
    // 56 of one class, 8 of another.
    private static readonly FerDataset Skewed = SyntheticFer.Dataset(
        [.. Enumerable.Range(0, 64).Select(i => (SyntheticFer.SmoothImage(i), i < 56 ? Expression.Happy : Expression.Disgust, FerUsage.Training))]);

    [Theory]
    [InlineData(0, 8)]
    [InlineData(1, 32)]
    public void Rare_classes_come_as_often_as_the_option_says(double balance, int rare)
    {
        var targets = Read(SmallRun.Options with { BalancedSampling = balance }, epoch: 1).SelectMany(b => b.Targets.Chunk(ExpressionNames.Count)).ToList();

        Assert.Equal(64, targets.Count);
        Assert.Equal(rare, targets.Count(t => t[(int)Expression.Disgust] == 1));
    }

    [Fact]
    public void The_order_is_a_function_of_seed_and_epoch()
    {
        var options = SmallRun.Options with { BalancedSampling = 0.5 };
        float[] Pixels(TrainingOptions some, int epoch) => [.. Read(some, epoch).SelectMany(b => b.Pixels)];

        Assert.Equal(Pixels(options, 2), Pixels(options, 2));
        Assert.NotEqual(Pixels(options, 2), Pixels(options, 3));
        Assert.NotEqual(Pixels(options, 2), Pixels(options with { Seed = 6 }, 2));
    }

    [Fact]
    public void Copies_of_an_image_within_an_epoch_are_varied_each_in_its_own_way()
    {
        var options = SmallRun.Options with
        {
            BalancedSampling = 1,
            Augmentation = AugmentationOptions.None with { WarpProbability = 1 },
        };

        var images = Read(options, 0).SelectMany(b => b.Pixels.Chunk(FerDataset.PixelsPerImage).Zip(b.Targets.Chunk(ExpressionNames.Count)))
            .Where(i => i.Item2[(int)Expression.Disgust] == 1).Select(i => Convert.ToHexString(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(i.Item1)));

        Assert.Equal(32, images.Distinct().Count());
    }

    private static List<TrainingBatch> Read(TrainingOptions options, int epoch) =>
        [.. new BatchFeeder(Skewed, options, FerDataset.Side, new GrayNormalisation(PreprocessorConfig.For(ModelPresets.Get(ModelPresets.Tiny))))
            .ReadEpoch(epoch, 0, CancellationToken.None)];
}
