using FerActors.Testing.Files;
using FerActors.Training.Augmentation;
using FerActors.Training.Engine;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Engine;

public sealed class FineTuningSpecs : IDisposable
{
    // The order of the alphabet, as public checkpoints have it, with a name of theirs.
    private static readonly string[] Alphabetical = ["angry", "disgust", "fear", "happiness", "neutral", "sad", "surprise"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_classifier_of_the_seven_in_another_order_is_kept_row_by_name()
    {
        var folder = SmallRun.Save(_folder, "start", SmallRun.Plain with { Labels = Alphabetical });
        using var before = VitCheckpoint.Load(folder);

        using var model = Load(folder, SmallRun.Options).Model;

        Assert.Equal(LabelMap.Fer2013Labels, model.Config.Labels);
        foreach (var name in CheckpointKeys.ClassifierNames)
        {
            var rows = SmallRun.Values(before.Model.Tensors[name]).Chunk(name == CheckpointKeys.ClassifierWeight ? 16 : 1).ToArray();
            var expected = new[] { "angry", "disgust", "fear", "happiness", "sad", "surprise", "neutral" }
                .SelectMany(label => rows[Array.IndexOf(Alphabetical, label)]);
            Assert.Equal(expected, SmallRun.Values(model.Tensors[name]));
        }
    }

    [Fact]
    public async Task A_stem_whose_norms_were_folded_away_gets_them_back_for_training_and_is_delivered_folded_again()
    {
        var options = TinyRun.Options with { Preset = ModelPresets.Residual, Epochs = 1 };
        using var first = await SmallRun.RunAsync(_folder, "first", options);
        var folder = Path.Combine(_folder.Root, "folder");
        VitCheckpoint.Save(folder, first.Model, first.Preprocessor, half: false);
        var further = options with { InitFrom = folder, LearningRate = 1e-12, FinalLearningRate = 0, Augmentation = AugmentationOptions.None };

        using var second = await SmallRun.RunAsync(_folder, "second", further);

        // Trained by next to nothing: it answers as before but for its stem's statistics, which are of other pictures.
        var (before, after) = (Logits(first), Logits(second));
        Assert.Equal(StemNorm.None, second.Model.Config.ConvStem!.Norm);
        Assert.NotEqual(before, after);
        Assert.InRange(Correlation(before, after), 0.9, 1);

        // A stem that is to stay as it is keeps its very weights.
        using var frozen = await SmallRun.RunAsync(_folder, "frozen", further with { Freeze = Freezing.Body });
        Assert.Equal(before, Logits(frozen));
    }

    [Theory]
    [InlineData("cat", "dog")]
    [InlineData("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3", "LABEL_4", "LABEL_5", "LABEL_6")]
    [InlineData("a", "b", "c", "d", "e", "f", "g")]
    public void A_classifier_of_other_classes_is_replaced_and_the_body_kept(params string[] labels)
    {
        var folder = SmallRun.Save(_folder, "start", SmallRun.Plain with { Labels = labels });
        using var before = VitCheckpoint.Load(folder);

        using var model = Load(folder, SmallRun.Options).Model;
        using var again = Load(folder, SmallRun.Options).Model;

        Assert.Equal([7, 16], model.Tensors[CheckpointKeys.ClassifierWeight].shape);
        Assert.NotEqual(
            SmallRun.Values(before.Model.Tensors[CheckpointKeys.ClassifierWeight]), SmallRun.Values(model.Tensors[CheckpointKeys.ClassifierWeight]));
        Assert.All(SmallRun.Values(model.Tensors[CheckpointKeys.ClassifierBias]), b => Assert.Equal(0f, b));
        foreach (var (name, tensor) in model.Tensors)
        {
            Assert.Equal(SmallRun.Values(again.Tensors[name]), SmallRun.Values(tensor));
            if (!CheckpointKeys.ClassifierNames.Contains(name))
            {
                Assert.Equal(SmallRun.Values(before.Model.Tensors[name]), SmallRun.Values(tensor));
            }
        }
    }

    [Fact]
    public void Position_embeddings_follow_the_image_size_that_is_asked_for()
    {
        var folder = SmallRun.Save(_folder, "start", SmallRun.Plain);
        using var before = VitCheckpoint.Load(folder);

        var initial = new InitialModel(SmallRun.Options with { InitFrom = folder, ImageSize = 48 }, folder);
        using var model = initial.Load().Model;

        Assert.Equal(48, initial.Config.ImageSize);
        Assert.Equal((48, 48), (initial.Preprocessor.Height, initial.Preprocessor.Width));
        Assert.Equal(
            PositionEmbeddings.Resize(SmallRun.Values(before.Model.Tensors[CheckpointKeys.Positions]), dim: 16, fromGrid: 4, toGrid: 6),
            SmallRun.Values(model.Tensors[CheckpointKeys.Positions]));
    }

    [Fact]
    public void A_size_that_is_no_multiple_of_the_patch_is_refused()
    {
        var folder = SmallRun.Save(_folder, "start", SmallRun.Plain);

        Assert.Throws<VitConfigException>(
            () => new Trainer(SmallRun.Options with { InitFrom = folder, ImageSize = 50 }, SmallRun.Train, SmallRun.Validation));
    }

    [Fact]
    public void A_folder_without_a_model_is_named()
    {
        var fault = Assert.Throws<CheckpointException>(
            () => new Trainer(SmallRun.Options with { InitFrom = _folder.Root }, SmallRun.Train, SmallRun.Validation));

        Assert.Contains($"init_from: the folder '{_folder.Root}' has no config.json", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_three_channel_model_of_another_size_trains_from_48_pixels_and_can_be_served()
    {
        var start = SmallRun.Plain with { ImageSize = 96, PatchSize = 16, Labels = Alphabetical };
        var preprocessor = PreprocessorConfig.For(start) with { ImageMean = [0.485, 0.456, 0.406], ImageStd = [0.229, 0.224, 0.225] };
        var folder = SmallRun.Save(_folder, "start", start, preprocessor: preprocessor);

        using var trained = await SmallRun.RunAsync(_folder, "run", SmallRun.Options with { InitFrom = folder, Epochs = 6, LearningRate = 3e-3 });

        Assert.True(trained.State.History[^1].TrainLoss < trained.State.History[0].TrainLoss);
        Assert.Equal(preprocessor.ImageMean, trained.Preprocessor.ImageMean);
        var shipped = Path.Combine(_folder.Root, "shipped");
        VitCheckpoint.Save(shipped, trained.Model, trained.Preprocessor, half: false);
        using var served = VitCheckpoint.Load(shipped);
        Assert.Equal(96, served.Preprocessor.Height);
        Assert.Equal(LabelMap.Fer2013Labels, served.Model.Config.Labels);
    }

    [Fact]
    public async Task A_run_whose_starting_weights_were_exchanged_is_not_continued()
    {
        var folder = SmallRun.Save(_folder, "start", SmallRun.Plain);
        var options = SmallRun.Options with { InitFrom = folder, Freeze = Freezing.Body };
        using (await SmallRun.RunAsync(_folder, "run", options))
        {
        }

        SmallRun.Save(_folder, "start", SmallRun.Plain, seed: 4);

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => SmallRun.RunAsync(_folder, "run", options));
        Assert.Contains("has other weights now", fault.Message, StringComparison.Ordinal);
    }

    private static (Vit Model, string? Sha256) Load(string folder, TrainingOptions options) =>
        new InitialModel(options with { InitFrom = folder }, folder).Load();

    private static float[] Logits(TrainedModel trained)
    {
        var predictions = ModelEvaluation.Predict(trained.Model, trained.Preprocessor, SmallRun.Train, flip: false);
        return [.. Enumerable.Range(0, predictions.Count).SelectMany(i => predictions.Logits(i).ToArray())];
    }

    private static double Correlation(float[] left, float[] right)
    {
        var (a, b) = (left.Select(x => x - left.Average()), right.Select(x => x - right.Average()));
        return a.Zip(b, (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(x => x * x) * b.Sum(y => y * y));
    }
}
