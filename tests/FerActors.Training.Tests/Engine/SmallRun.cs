using FerActors.Shared.Labels;
using FerActors.Testing.Files;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Tests.Data;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

/// <summary>Small data, small plain transformers in folders, and runs over them that take less than a second.</summary>
internal static class SmallRun
{
    public const int BatchSize = 8;

    /// <summary>fp32 on one thread, nothing varied.</summary>
    public static TrainingOptions Options { get; } = new()
    {
        Preset = ModelPresets.Tiny,
        Epochs = 2,
        BatchSize = BatchSize,
        LearningRate = 1e-3,
        Compute = "fp32",
        Threads = 1,
        Seed = 5,
        LabelSmoothing = 0,
        DropPath = 0,
        Augmentation = AugmentationOptions.None,
        Mix = MixOptions.None,
    };

    public static FerDataset Train { get; } = Data(4 * BatchSize, FerUsage.Training, 0);

    public static FerDataset Validation { get; } = Data(14, FerUsage.PublicTest, 700);

    /// <summary>A plain ViT of 2 layers over 3 channels of 32 x 32 pixels.</summary>
    public static VitConfig Plain { get; } = new()
    {
        ImageSize = 32,
        PatchSize = 8,
        HiddenSize = 16,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 32,
        NumChannels = 3,
        Labels = LabelMap.Fer2013Labels,
    };

    public static FerDataset Data(int count, FerUsage usage, int first) => SyntheticFer.Dataset(
        [.. Enumerable.Range(first, count).Select(i => (SyntheticFer.SmoothImage(i), (Expression)(i % ExpressionNames.Count), usage))]);

    /// <summary>Writes a model folder with random weights.</summary>
    public static string Save(TemporaryFolder folder, string name, VitConfig config, long seed = 3, PreprocessorConfig? preprocessor = null)
    {
        var path = Path.Combine(folder.Root, name);
        using var model = Vit.Create(config, seed);
        VitCheckpoint.Save(path, model, preprocessor ?? PreprocessorConfig.For(config), half: false);
        return path;
    }

    public static Task<TrainedModel> RunAsync(
        TemporaryFolder folder,
        string name,
        TrainingOptions options,
        IProgress<TrainingProgress>? progress = null,
        FerDataset? train = null,
        CancellationToken cancellation = default) =>
        new Trainer(options, train ?? Train, Validation) { ReportEvery = TimeSpan.Zero }
            .RunAsync(Path.Combine(folder.Root, name), TimeSpan.MaxValue, progress, cancellation);

    /// <summary>Runs until a step is done, and is cancelled then.</summary>
    public static Task BreakOffAsync(TemporaryFolder folder, string name, TrainingOptions options, int afterStep) =>
        BreakOffAsync(afterStep, (progress, cancellation) => RunAsync(folder, name, options, progress, cancellation: cancellation));

    /// <summary>Begins a run, and cancels it when a step is done.</summary>
    public static async Task BreakOffAsync(int afterStep, Func<IProgress<TrainingProgress>, CancellationToken, Task> run)
    {
        using var source = new CancellationTokenSource();
        var listener = new Listener(p =>
        {
            if (p.Step == afterStep)
            {
                source.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run(listener, source.Token));
    }

    public static float[] Values(Tensor tensor)
    {
        using var plain = tensor.detach().contiguous();
        return plain.data<float>().ToArray();
    }

    public static void AssertClose(IEnumerable<float> expected, IEnumerable<float> actual, double tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.Item1 - pair.Item2), 0, tolerance));

    /// <summary>Unlike Progress, hears a report on the run's own thread, between two batches.</summary>
    public sealed class Listener(Action<TrainingProgress> hear) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => hear(value);
    }
}
