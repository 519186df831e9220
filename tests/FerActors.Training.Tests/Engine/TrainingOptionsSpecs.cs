using System.Text.Json;
using FerActors.Training.Augmentation;
using FerActors.Training.Engine;

namespace FerActors.Training.Tests.Engine;

public sealed class TrainingOptionsSpecs
{
    [Fact]
    public void The_json_can_be_read_back() =>
        Assert.Equal(TinyRun.Plain.ToJson(), TrainingOptions.FromJson(TinyRun.Plain.ToJson()).ToJson());

    [Fact]
    public void What_is_left_out_has_its_default()
    {
        var options = TrainingOptions.FromJson(
            """
            {
                // A comment, and a comma too many.
                "epochs": 3,
                "augmentation": { "max_rotation": 5, "scale": { "low": 0.95 } },
            }
            """);

        var expected = new TrainingOptions
        {
            Epochs = 3,
            Augmentation = new AugmentationOptions { MaxRotation = 5, Scale = AugmentationOptions.Default.Scale with { Low = 0.95f } },
        };
        Assert.Equal(expected.ToJson(), options.ToJson());
        Assert.Empty(options.Validate());
    }

    [Theory]
    [InlineData("{ \"epoch\": 3 }")]
    [InlineData("{ \"augmentation\": { \"rotation\": 3 } }")]
    [InlineData("{ \"epochs\": 3, \"epochs\": 4 }")]
    [InlineData("{ \"epochs\": \"three\" }")]
    [InlineData("{ \"preset\": null }")]
    [InlineData("{ \"augmentation\": null }")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("")]
    public void Anything_else_is_refused(string json) => Assert.ThrowsAny<JsonException>(() => TrainingOptions.FromJson(json));

    [Fact]
    public void All_mistakes_are_listed_at_once()
    {
        var options = new TrainingOptions
        {
            Preset = "huge",
            Epochs = 0,
            BatchSize = 0,
            LearningRate = double.NaN,
            WarmupEpochs = -1,
            WeightDecay = -1,
            LabelSmoothing = 1,
            DropPath = 1,
            EmaDecay = 1,
            ClipNorm = 0,
            Compute = "fp8",
            Threads = -1,
            Augmentation = new AugmentationOptions { MaxRotation = 999 },
            Mix = new MixOptions { Probability = 2 },
        };

        Assert.All(
            [
                "preset", "epochs", "batch_size", "learning_rate", "warmup_epochs", "weight_decay", "label_smoothing", "drop_path",
                "ema_decay", "clip_norm", "compute", "threads", "max_rotation", "probability",
            ],
            name => Assert.Contains(options.Validate(), error => Plain(error).Contains(Plain(name), StringComparison.Ordinal)));
        Assert.Empty(new TrainingOptions().Validate());
    }

    // max_rotation and MaxRotation are the same name.
    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();
}
