using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Engine;

public sealed class BatchFeederSpecs
{
    private const int Batches = 6;

    private static readonly FerDataset Images = TinyRun.Data((Batches * TinyRun.BatchSize) + 3);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Batches - 1)]
    [InlineData(Batches)]
    public void From_any_batch_on_the_epoch_is_the_same(int first)
    {
        var whole = Read(TinyRun.Options, epoch: 3);
        var rest = Read(TinyRun.Options, epoch: 3, first);

        Assert.Equal(Enumerable.Range(0, Batches), whole.Select(b => b.Index));
        Assert.Equal(Enumerable.Range(first, Batches - first), rest.Select(b => b.Index));
        Assert.All(rest, b =>
        {
            Assert.Equal(whole[b.Index].Pixels, b.Pixels);
            Assert.Equal(whole[b.Index].Targets, b.Targets);
        });
    }

    [Fact]
    public void Epochs_and_seeds_differ()
    {
        var first = Read(TinyRun.Options, epoch: 0)[0].Pixels;

        Assert.NotEqual(first, Read(TinyRun.Options, epoch: 1)[0].Pixels);
        Assert.NotEqual(first, Read(TinyRun.Options with { Seed = 6 }, epoch: 0)[0].Pixels);
    }

    [Fact]
    public void Without_augmentation_every_image_comes_once_with_its_label()
    {
        var expected = new Dictionary<string, Expression>();
        for (var i = 0; i < Images.Count; i++)
        {
            expected.Add(Convert.ToHexString(Images.Pixels(i)), Images.Label(i));
        }

        var seen = new HashSet<string>();
        foreach (var batch in Read(TinyRun.Plain, epoch: 2))
        {
            for (var i = 0; i < TinyRun.BatchSize; i++)
            {
                var key = Convert.ToHexString(Bytes(batch.Pixels.AsSpan(i * FerDataset.PixelsPerImage, FerDataset.PixelsPerImage)));
                var target = batch.Targets.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count);
                Assert.True(seen.Add(key));
                Assert.Equal(1f, target[(int)expected[key]]);
                Assert.Equal(1, target.ToArray().Count(v => v != 0));
            }
        }

        Assert.Equal(Batches * TinyRun.BatchSize, seen.Count);
    }

    [Fact]
    public void Targets_are_smoothed_and_sum_to_one()
    {
        var target = Read(TinyRun.Plain with { LabelSmoothing = 0.14 }, epoch: 0)[0].Targets.AsSpan(0, ExpressionNames.Count).ToArray();

        Assert.Equal(1, target.Sum(), 1e-6);
        Assert.Equal(0.88, target.Max(), 1e-6);
        Assert.Equal(6, target.Count(v => Math.Abs(v - 0.02) < 1e-6));
    }

    [Fact]
    public void Mixed_targets_sum_to_one()
    {
        var options = TinyRun.Options with { Mix = new MixOptions { Probability = 1 } };

        var targets = Read(options, epoch: 0).SelectMany(batch => batch.Targets.Chunk(ExpressionNames.Count)).ToList();

        Assert.All(targets, target => Assert.Equal(1, target.Sum(), 1e-5));
        Assert.Contains(targets, target => target.Count(v => v > 0.05) == 2);
    }

    [Fact]
    public void Cancelling_ends_the_enumeration_with_the_cancellation()
    {
        using var source = new CancellationTokenSource();
        var taken = 0;

        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var batch in Feeder(TinyRun.Options).ReadEpoch(0, 0, source.Token))
            {
                taken++;
                source.Cancel();
            }
        });

        Assert.Equal(1, taken);
    }

    [Fact]
    public void A_reader_that_stops_early_leaves_the_producer_stopped_and_others_undisturbed()
    {
        var feeder = Feeder(TinyRun.Options);

        Assert.Equal(0, feeder.ReadEpoch(0, 0, CancellationToken.None).First().Index);

        Assert.Equal(Batches, feeder.ReadEpoch(0, 0, CancellationToken.None).Count());
    }

    [Fact]
    public void A_failure_while_a_batch_is_made_reaches_the_reader()
    {
        var broken = TinyRun.Options with { Augmentation = new AugmentationOptions { MaxRotation = 999 } };

        var fault = Assert.Throws<ArgumentException>(() => Read(broken, epoch: 0));

        Assert.Contains(nameof(AugmentationOptions.MaxRotation), fault.Message, StringComparison.Ordinal);
    }

    private static List<TrainingBatch> Read(TrainingOptions options, int epoch, int first = 0) =>
        [.. Feeder(options).ReadEpoch(epoch, first, CancellationToken.None)];

    private static BatchFeeder Feeder(TrainingOptions options) => new(Images, options, FerDataset.Side, Normalisation());

    private static GrayNormalisation Normalisation() => new(PreprocessorConfig.For(ModelPresets.Get(ModelPresets.Tiny)));

    // The preset's mean and deviation are both a half.
    private static byte[] Bytes(ReadOnlySpan<float> normalised)
    {
        var bytes = new byte[normalised.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)Math.Round(((normalised[i] * 0.5) + 0.5) * 255);
        }

        return bytes;
    }
}
