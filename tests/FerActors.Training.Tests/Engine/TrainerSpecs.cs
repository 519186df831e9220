using FerActors.Testing.Files;
using FerActors.Training.Data;
using FerActors.Training.Engine;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Safetensors;

namespace FerActors.Training.Tests.Engine;

public sealed class TrainerSpecs : IDisposable
{
    private const int BatchesPerEpoch = 4;

    private static readonly FerDataset Train = TinyRun.Data(BatchesPerEpoch * TinyRun.BatchSize);
    private static readonly FerDataset Validation = TinyRun.Data(14, FerUsage.PublicTest, first: 700);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(BatchesPerEpoch + 2)]
    [InlineData((2 * BatchesPerEpoch) - 1)]
    public async Task A_run_that_was_cancelled_and_continued_ends_in_the_very_weights_of_an_undisturbed_one(int cancelAfter)
    {
        using var undisturbed = await RunAsync("whole", TinyRun.Options);
        await SmallRun.BreakOffAsync(cancelAfter, (progress, cancellation) => RunAsync("halves", TinyRun.Options, progress, cancellation));
        var steps = new List<long>();
        using var continued = await RunAsync("halves", TinyRun.Options, new SmallRun.Listener(p => steps.Add(p.Step)));

        Assert.Equal(cancelAfter + 1, steps[0]);
        Assert.Equal(2 * BatchesPerEpoch, continued.State.Step);
        Assert.Equal(TinyRun.Weights(undisturbed.Model), TinyRun.Weights(continued.Model));
        Assert.Equal(
            undisturbed.State.History.Select(r => r with { Seconds = 0 }), continued.State.History.Select(r => r with { Seconds = 0 }));
    }

    [Fact]
    public async Task A_run_that_is_to_end_here_gives_the_weights_it_has_and_trains_nothing()
    {
        await SmallRun.BreakOffAsync(BatchesPerEpoch + 2, (progress, cancellation) => RunAsync("run", TinyRun.Options, progress, cancellation));
        await SmallRun.BreakOffAsync(2, (progress, cancellation) => RunAsync("early", TinyRun.Options, progress, cancellation));

        using var ended = await Ending("run");
        using var again = await Ending("run");
        var early = await Assert.ThrowsAsync<InvalidOperationException>(() => Ending("early"));
        var none = await Assert.ThrowsAsync<InvalidOperationException>(() => Ending("none"));
        using var continued = await RunAsync("run", TinyRun.Options);

        Assert.Equal((1, BatchesPerEpoch + 2), (ended.Epoch, ended.State.Step));
        Assert.Equal(TinyRun.Weights(ended.Model), TinyRun.Weights(again.Model));
        Assert.StartsWith("The run has not ended its first epoch", early.Message, StringComparison.Ordinal);
        Assert.StartsWith("There is no run in", none.Message, StringComparison.Ordinal);
        Assert.Equal(2 * BatchesPerEpoch, continued.State.Step);

        Task<TrainedModel> Ending(string name) =>
            new Trainer(TinyRun.Options, Train, Validation) { EndsHere = true }.RunAsync(Path.Combine(_folder.Root, name), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task A_run_cancelled_before_it_begins_leaves_a_folder_in_which_it_can_begin()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync("run", TinyRun.Options, cancellation: source.Token));

        using var trained = await RunAsync("run", TinyRun.Options);
        Assert.Equal(2 * BatchesPerEpoch, trained.State.Step);
    }

    [Fact]
    public async Task A_finished_run_is_not_trained_again()
    {
        using var first = await RunAsync("run", TinyRun.Options);

        using var again = await RunAsync("run", TinyRun.Options, new SmallRun.Listener(_ => Assert.Fail("Something was trained.")));

        Assert.Equal(TinyRun.Weights(first.Model), TinyRun.Weights(again.Model));
    }

    [Fact]
    public async Task The_loss_falls_and_the_classes_are_told_apart()
    {
        var options = TinyRun.Plain with { Epochs = 25, LearningRate = 1e-2, EmaDecay = 0.8 };

        using var trained = await RunAsync("run", options);

        var history = trained.State.History;
        Assert.Equal(25, history.Count);
        Assert.True(history[^1].TrainLoss < history[0].TrainLoss / 4, $"from {history[0].TrainLoss} to {history[^1].TrainLoss}");
        Assert.True(history[^1].Accuracy > 0.9, $"accuracy {history[^1].Accuracy}");
    }

    [Fact]
    public async Task Bf16_learns_as_well_and_keeps_fp32_weights()
    {
        var options = TinyRun.Plain with { Epochs = 25, LearningRate = 1e-2, EmaDecay = 0.8, Compute = "bf16" };

        using var trained = await RunAsync("run", options);

        Assert.Equal(TorchSharp.torch.ScalarType.Float32, trained.Model.DType);
        Assert.True(trained.State.History[^1].TrainLoss < trained.State.History[0].TrainLoss / 4);
    }

    [Fact]
    public async Task Whatever_type_is_asked_for_the_run_remembers_what_it_computed_in()
    {
        using var exact = await RunAsync("fp32", TinyRun.Options);
        using var half = await RunAsync("bf16", TinyRun.Options with { Compute = "bf16" });
        using var either = await RunAsync("auto", TinyRun.Options with { Compute = "auto" });

        Assert.Equal(["fp32"], exact.State.ComputeTypes);
        Assert.Equal(["bf16"], half.State.ComputeTypes);
        Assert.Contains(Assert.Single(either.State.ComputeTypes!), new[] { "fp32", "bf16" });
    }

    [Fact]
    public async Task A_stem_with_batch_normalisation_is_judged_and_delivered_folded_and_a_continued_run_ends_in_the_same()
    {
        var options = TinyRun.Options with { Preset = ModelPresets.Residual };
        using var undisturbed = await RunAsync("whole", options);
        await SmallRun.BreakOffAsync(BatchesPerEpoch + 1, (progress, cancellation) => RunAsync("halves", options, progress, cancellation));
        using var continued = await RunAsync("halves", options);

        Assert.Equal(StemNorm.None, undisturbed.Model.Config.ConvStem!.Norm);
        Assert.Equal(TinyRun.Weights(undisturbed.Model), TinyRun.Weights(continued.Model));
        var again = ClassificationMetrics.Compute(ModelEvaluation.Predict(undisturbed.Model, undisturbed.Preprocessor, Validation, flip: false));
        Assert.Equal(undisturbed.State.History[^1].ValidationLoss, again.Nll, 1e-9);
    }

    [Fact]
    public async Task A_loss_that_is_no_longer_finite_ends_the_run_with_the_step_and_a_remedy()
    {
        // Decay alone multiplies every matrix by -99 a step.
        var options = TinyRun.Plain with { Epochs = 20, LearningRate = 10, FinalLearningRate = 10, WarmupEpochs = 0, WeightDecay = 10 };

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync("run", options));

        Assert.Matches(@"^The loss is no longer finite at step \d+\. Lower the learning rate, or compute in fp32\.$", fault.Message);
    }

    [Fact]
    public async Task A_damaged_checkpoint_is_passed_over_with_a_warning_and_the_result_is_the_same()
    {
        using var undisturbed = await RunAsync("whole", TinyRun.Options);
        await SmallRun.BreakOffAsync(BatchesPerEpoch + 2, (progress, cancellation) => RunAsync("run", TinyRun.Options, progress, cancellation));
        var path = Path.Combine(_folder.Root, "run", "checkpoint.safetensors");
        await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path))[..^1]);
        var reports = new List<TrainingProgress>();

        using var continued = await RunAsync("run", TinyRun.Options, new SmallRun.Listener(reports.Add));

        Assert.Contains("The checkpoint before is used", reports[0].Warning, StringComparison.Ordinal);
        Assert.Equal(BatchesPerEpoch, reports[0].Step);
        Assert.Equal(TinyRun.Weights(undisturbed.Model), TinyRun.Weights(continued.Model));
    }

    [Fact]
    public async Task Damage_to_both_checkpoints_ends_the_run_with_the_reason()
    {
        using (await RunAsync("run", TinyRun.Options))
        {
            foreach (var path in Directory.GetFiles(Path.Combine(_folder.Root, "run"), "checkpoint*"))
            {
                await File.WriteAllBytesAsync(path, [1, 2, 3]);
            }
        }

        var fault = await Assert.ThrowsAsync<SafetensorsFormatException>(() => RunAsync("run", TinyRun.Options));

        Assert.Contains("No checkpoint in", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_of_other_options_or_other_data_is_refused()
    {
        using (await RunAsync("run", TinyRun.Options))
        {
        }

        var options = await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync("run", TinyRun.Options with { Seed = 6 }));
        var data = await Assert.ThrowsAsync<InvalidOperationException>(
            () => new Trainer(TinyRun.Options, TinyRun.Data(32, first: 1), Validation).RunAsync(Folder("run"), TimeSpan.MaxValue));

        Assert.Contains("a run with other options: seed (5 there, 6 here)", options.Message, StringComparison.Ordinal);
        Assert.Contains("a run on other training data", data.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_is_not_lengthened_and_the_refusal_says_what_to_do()
    {
        using (await RunAsync("run", TinyRun.Options))
        {
        }

        var longer = TinyRun.Options with { Epochs = TinyRun.Options.Epochs + 2 };
        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync("run", longer));

        Assert.Contains($"epochs ({TinyRun.Options.Epochs} there, {longer.Epochs} here)", fault.Message, StringComparison.Ordinal);
        Assert.Contains("init_from", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_and_data_that_cannot_be_trained_are_refused_with_all_reasons()
    {
        var nothing = TinyRun.Options with { Epochs = 0, BatchSize = 0 };
        var options = Assert.Throws<ArgumentException>(() => new Trainer(nothing, Train, Validation));
        var few = Assert.Throws<ArgumentException>(() => new Trainer(TinyRun.Options, TinyRun.Data(7), Validation));
        var blind = Assert.Throws<ArgumentException>(() => new Trainer(TinyRun.Options, Train, TinyRun.Data(0)));

        Assert.Contains("epochs is 0", options.Message, StringComparison.Ordinal);
        Assert.Contains("batch_size is 0", options.Message, StringComparison.Ordinal);
        Assert.Contains("7 training images, less than one batch of 8", few.Message, StringComparison.Ordinal);
        Assert.Contains("no validation images", blind.Message, StringComparison.Ordinal);
    }

    private Task<TrainedModel> RunAsync(
        string name, TrainingOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        new Trainer(options, Train, Validation) { ReportEvery = TimeSpan.Zero }
            .RunAsync(Folder(name), TimeSpan.MaxValue, progress, cancellation);

    private string Folder(string name) => Path.Combine(_folder.Root, name);
}
