using FerActors.Testing.Files;
using FerActors.Training.Averaging;
using FerActors.Training.Tests.Engine;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Averaging;

public sealed class ModelAverageSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_weight_is_the_mean_of_the_models_weights()
    {
        var folders = new[] { Save("a", SmallRun.Plain, 3), Save("b", SmallRun.Plain, 4), Save("c", SmallRun.Plain, 5) };
        var weights = folders.Select(Weights).ToList();

        var (model, preprocessor) = ModelAverage.Of(folders);

        using (model)
        {
            var expected = weights[0].Select((_, i) => weights.Average(w => w[i]));
            SmallRun.AssertClose(expected, TinyRun.Weights(model), 1e-6);
            Assert.Equal(SmallRun.Plain.ImageSize, preprocessor.Width);
        }
    }

    [Fact]
    public void Models_may_differ_in_name_version_temperature_and_stored_type()
    {
        var (one, other) = (Save("a", SmallRun.Plain), Path.Combine(_folder.Root, "b"));
        using (var same = Vit.Create(SmallRun.Plain with { FerActors = new FerActorsSection(1.5, "other", "9") }, seed: 3))
        {
            VitCheckpoint.Save(other, same, PreprocessorConfig.For(SmallRun.Plain), half: true);
        }

        var (model, _) = ModelAverage.Of([one, other]);

        using (model)
        {
            SmallRun.AssertClose(Weights(one), TinyRun.Weights(model), 1e-3);
            Assert.Equal(new FerActorsSection(), model.Config.FerActors);
        }
    }

    [Fact]
    public void One_model_or_one_that_is_named_twice_makes_no_average()
    {
        var one = Save("a", SmallRun.Plain);

        Assert.Contains("two models at least", Assert.Throws<ArgumentException>(() => ModelAverage.Of([one])).Message, StringComparison.Ordinal);
        Assert.Contains(
            "is named twice",
            Assert.Throws<ArgumentException>(() => ModelAverage.Of([one, one + Path.DirectorySeparatorChar])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Another_architecture_or_order_of_labels_is_refused()
    {
        var one = Save("a", SmallRun.Plain);
        var deeper = Save("deeper", SmallRun.Plain with { NumHiddenLayers = 3 });
        var relabelled = Save("relabelled", SmallRun.Plain with { Labels = [.. SmallRun.Plain.Labels.Reverse()] });

        Assert.All([deeper, relabelled], other =>
        {
            var fault = Assert.Throws<ArgumentException>(() => ModelAverage.Of([one, other]));
            Assert.Contains($"'{other}' is of another architecture than '{one}', or has other labels.", fault.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Another_preprocessing_is_refused()
    {
        var one = Save("a", SmallRun.Plain);
        var other = SmallRun.Save(
            _folder, "b", SmallRun.Plain, preprocessor: PreprocessorConfig.For(SmallRun.Plain) with { ImageMean = [0.4, 0.5, 0.5] });

        var fault = Assert.Throws<ArgumentException>(() => ModelAverage.Of([one, other]));

        Assert.Contains($"'{other}' has another preprocessing than '{one}'.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_model_is_named()
    {
        var fault = Assert.Throws<CheckpointException>(() => ModelAverage.Of([Save("a", SmallRun.Plain), _folder.Root]));

        Assert.Contains(_folder.Root, fault.Message, StringComparison.Ordinal);
    }

    private static float[] Weights(string folder)
    {
        using var checkpoint = VitCheckpoint.Load(folder);
        return TinyRun.Weights(checkpoint.Model);
    }

    private string Save(string name, VitConfig config, long seed = 3) => SmallRun.Save(_folder, name, config, seed);
}
