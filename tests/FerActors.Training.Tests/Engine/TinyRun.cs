using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Tests.Data;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

/// <summary>The smallest model and data on which the engine can be watched.</summary>
internal static class TinyRun
{
    public const int BatchSize = 8;

    /// <summary>Repeatable to the bit: fp32 on one thread.</summary>
    public static TrainingOptions Options { get; } = new()
    {
        Preset = ModelPresets.Tiny,
        Epochs = 2,
        BatchSize = BatchSize,
        Compute = "fp32",
        Threads = 1,
        Seed = 5,
    };

    /// <summary>Without anything that varies the images, so that little data is learnt fast.</summary>
    public static TrainingOptions Plain { get; } = Options with
    {
        Augmentation = AugmentationOptions.None,
        Mix = MixOptions.None,
        LabelSmoothing = 0,
        DropPath = 0,
    };

    public static Vit Model(long seed = 3) => Vit.Create(ModelPresets.Get(ModelPresets.Tiny), seed);

    /// <summary>Each class is one smooth picture under a little noise of its own; the labels go round.</summary>
    public static FerDataset Data(int count, FerUsage usage = FerUsage.Training, int first = 0) => SyntheticFer.Dataset(
        [.. Enumerable.Range(first, count).Select(i => (Picture(i), (Expression)(i % ExpressionNames.Count), usage))]);

    public static float[] Values(Tensor tensor)
    {
        using var cpu = tensor.cpu();
        return cpu.data<float>().ToArray();
    }

    /// <summary>All weights, one after the other in the order of their names.</summary>
    public static float[] Weights(Vit model) =>
        [.. model.Tensors.OrderBy(t => t.Key, StringComparer.Ordinal).SelectMany(t => Values(t.Value))];

    private static byte[] Picture(int number)
    {
        var picture = SyntheticFer.SmoothImage(number % ExpressionNames.Count);
        var noise = SyntheticFer.Image(number);
        return [.. picture.Zip(noise, (pixel, grain) => (byte)Math.Clamp(pixel + ((grain - 128) / 12), 0, 255))];
    }
}
