using FerActors.Shared.Drift;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Testing.Files;
using FerActors.Training.Data;
using FerActors.Training.Drift;
using FerActors.Training.Tests.Data;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Drift;

public sealed class DriftSimulationSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Brightness_multiplies_and_blur_smooths_without_moving_the_mean()
    {
        var set = SyntheticFer.Dataset((SyntheticFer.Image(1), Expression.Sad, FerUsage.PublicTest));

        var dark = ImageChange.Parse("brightness=-0.4").Apply(set).Pixels(0).ToArray();
        var soft = ImageChange.Parse("blur=1.5").Apply(set).Pixels(0).ToArray();

        Assert.Equal([.. set.Pixels(0).ToArray().Select(pixel => (byte)Math.Round(pixel * 0.6))], dark);
        var (before, after) = (CropStatistics.Measure(set.Pixels(0), 48), CropStatistics.Measure(soft, 48));
        Assert.Equal(before.Brightness, after.Brightness, 2.0);
        Assert.True(after.Sharpness < before.Sharpness / 50, $"{before.Sharpness} -> {after.Sharpness}");
    }

    [Fact]
    public void A_plain_image_stays_as_it_is_under_blur_to_its_very_edge()
    {
        var plain = Enumerable.Repeat((byte)200, FerDataset.PixelsPerImage).ToArray();

        var soft = ImageChange.Parse("blur=3").Apply(SyntheticFer.Dataset((plain, Expression.Sad, FerUsage.Training)));

        Assert.Equal(plain, soft.Pixels(0).ToArray());
    }

    [Fact]
    public void A_mix_keeps_the_images_of_its_expressions()
    {
        var set = SyntheticFer.Dataset(
            (SyntheticFer.Image(1), Expression.Sad, FerUsage.PublicTest), (SyntheticFer.Image(2), Expression.Happy, FerUsage.PublicTest));

        var mixed = ImageChange.Parse("mix=happiness,anger").Apply(set);

        Assert.Equal([Expression.Happy], mixed.Labels());
        Assert.Equal(SyntheticFer.Image(2), mixed.Pixels(0).ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("brightness")]
    [InlineData("brightness=-2")]
    [InlineData("brightness=NaN")]
    [InlineData("blur=0")]
    [InlineData("blur=1e9")]
    [InlineData("mix=joy")]
    [InlineData("mix=")]
    [InlineData("contrast=1")]
    public void Another_change_is_refused(string text) =>
        Assert.Contains("is none of", Assert.Throws<FormatException>(() => ImageChange.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_reference_is_written_into_the_model_folder_with_the_hash_of_the_weights()
    {
        using var checkpoint = Model();
        var images = Images(40).Where(FerUsage.PublicTest);

        await DriftReferences.WriteAsync(_folder.Root, DriftReferences.Build(checkpoint, images, FerUsage.PublicTest));

        var read = DriftReference.Find(_folder.Root)!;
        Assert.Equal((checkpoint.WeightsSha256, images.Sha256, 20), (read.WeightsSha256, read.DataSha256, read.Images));
        Assert.All(DriftReferences.Samples(checkpoint, images), sample => Assert.InRange(sample.Confidence, 1.0 / 7, 1));
        Assert.Equal(checkpoint.Model.Config.HiddenSize, read.Embedding!.Mean.Count);
        Assert.All(DriftReferences.Samples(checkpoint, images), sample => Assert.Null(sample.EmbeddingDistance));
        var distances = DriftReferences.Samples(checkpoint, images, read.Embedding).Select(sample => sample.EmbeddingDistance!.Value).ToList();
        Assert.Equal(1, Math.Sqrt(distances.Average(distance => distance * distance)), 2);
    }

    [Fact]
    public void A_darker_stream_alerts_within_five_hundred_faces_and_an_unchanged_one_does_not()
    {
        using var checkpoint = Model();

        var outcomes = DriftSimulation.Run(checkpoint, Images(1600), new DriftOptions(), [ImageChange.Parse("brightness=-0.4")], seed: 1);

        Assert.Equal(["unchanged, Training", "unchanged, PublicTest", "brightness=-0.4"], outcomes.Select(outcome => outcome.Name));
        Assert.Null(outcomes[1].AlertsAfter);
        Assert.Equal((10_000, null), (outcomes[1].Faces, outcomes[1].ChangedAt));
        Assert.InRange(outcomes[2].AlertsAfter!.Value, 1, 500);
        Assert.Equal(2 + (3 * 6), DriftSimulation.Table(outcomes).TrimEnd('\n').Split('\n').Length);
    }

    [Fact]
    public void Data_without_both_splits_cannot_be_simulated_on()
    {
        using var checkpoint = Model();

        Assert.Throws<InvalidDataException>(
            () => DriftSimulation.Run(checkpoint, Images(10).Where(FerUsage.PublicTest), new DriftOptions(), [], seed: 1));
    }

    private VitCheckpoint Model()
    {
        var config = new VitConfig
        {
            ImageSize = 48,
            PatchSize = 16,
            HiddenSize = 16,
            NumHiddenLayers = 1,
            NumAttentionHeads = 2,
            IntermediateSize = 16,
            NumChannels = 1,
            InitializerRange = 0.3,
            Labels = LabelMap.Fer2013Labels,
        };
        var folder = Path.Combine(_folder.Root, "model");
        using var model = Vit.Create(config, 5);
        VitCheckpoint.Save(folder, model, PreprocessorConfig.For(config), half: false);
        return VitCheckpoint.Load(folder);
    }

    // Every second image is a training image.
    private static FerDataset Images(int count) => SyntheticFer.Dataset(
        [.. Enumerable.Range(0, count).Select(i =>
            (SyntheticFer.SmoothImage(i), (Expression)(i % 7), i % 2 == 0 ? FerUsage.Training : FerUsage.PublicTest))]);
}
