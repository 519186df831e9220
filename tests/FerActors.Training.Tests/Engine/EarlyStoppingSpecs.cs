using FerActors.Testing.Files;
using FerActors.Training.Engine;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Engine;

public sealed class EarlyStoppingSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("accuracy", 2)]
    [InlineData("macro_f1", 3)]
    [InlineData("loss", 4)]
    public void The_best_epoch_is_that_of_the_metric_and_of_equal_ones_the_first(string metric, int best)
    {
        EpochRecord[] history = [Record(1, 0.5, 0.1, 2), Record(2, 0.6, 0.2, 1.9), Record(3, 0.6, 0.4, 1.8), Record(4, 0.4, 0.4, 1.7)];

        Assert.Equal(best, BestEpoch.Of(history, new EarlyStoppingOptions { Metric = metric })!.Epoch);
        Assert.Null(BestEpoch.Of([], new EarlyStoppingOptions { Metric = metric }));
    }

    [Fact]
    public void A_gain_below_the_least_one_is_none()
    {
        EpochRecord[] history = [Record(1, 0.50, 0, 0), Record(2, 0.505, 0, 0), Record(3, 0.52, 0, 0)];

        Assert.Equal(3, BestEpoch.Of(history, new EarlyStoppingOptions { MinGain = 0.01 })!.Epoch);
        Assert.Equal(1, BestEpoch.Of(history, new EarlyStoppingOptions { MinGain = 0.05 })!.Epoch);
    }

    [Fact]
    public void Patience_counts_epochs_since_the_best_one()
    {
        EpochRecord[] history = [Record(1, 0.5, 0, 0), Record(2, 0.4, 0, 0), Record(3, 0.4, 0, 0)];

        Assert.True(BestEpoch.ShouldStop(history, new EarlyStoppingOptions { Patience = 2 }));
        Assert.False(BestEpoch.ShouldStop(history, new EarlyStoppingOptions { Patience = 3 }));
        Assert.False(BestEpoch.ShouldStop(history, new EarlyStoppingOptions()));
        Assert.False(BestEpoch.ShouldStop([], new EarlyStoppingOptions { Patience = 1 }));
    }

    [Fact]
    public async Task A_run_that_no_longer_improves_ends_early_with_the_weights_of_its_best_epoch()
    {
        // A gain that no epoch reaches makes the first one the best.
        var options = SmallRun.Options with { Epochs = 9, EarlyStopping = new() { Patience = 2, Metric = "loss", MinGain = 100 } };
        using var first = await SmallRun.RunAsync(_folder, "first", options with { Epochs = 1, EarlyStopping = new(), FinalLearningRate = 1e-3 });

        using var stopped = await SmallRun.RunAsync(_folder, "stopped", options with { FinalLearningRate = 1e-3 });

        Assert.Equal(3, stopped.State.History.Count);
        Assert.Equal(1, stopped.Epoch);
        AssertSame(first.Model, stopped.Model);
    }

    [Fact]
    public async Task A_finished_run_that_is_opened_again_has_its_best_epoch_still()
    {
        var options = SmallRun.Options with { Epochs = 3, Export = "best", EarlyStopping = new() { Metric = "loss", MinGain = 100 } };
        using var first = await SmallRun.RunAsync(_folder, "run", options);

        using var again = await SmallRun.RunAsync(_folder, "run", options);

        Assert.Equal(1, again.Epoch);
        AssertSame(first.Model, again.Model);
    }

    [Fact]
    public async Task Without_it_the_last_epoch_is_what_a_run_ends_with()
    {
        using var trained = await SmallRun.RunAsync(_folder, "run", SmallRun.Options with { EarlyStopping = new() { Metric = "loss", MinGain = 100 } });

        Assert.Equal(2, trained.Epoch);
        Assert.True(File.Exists(Path.Combine(_folder.Root, "run", RunCheckpoint.BestFileName)));
    }

    [Fact]
    public async Task Damaged_best_weights_are_told_and_the_last_ones_taken()
    {
        var options = SmallRun.Options with { Export = "best", EarlyStopping = new() { Metric = "loss", MinGain = 100 } };
        using var first = await SmallRun.RunAsync(_folder, "run", options);
        var path = Path.Combine(_folder.Root, "run", RunCheckpoint.BestFileName);
        await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path))[..^4]);
        var reports = new List<TrainingProgress>();

        using var again = await SmallRun.RunAsync(_folder, "run", options, new SmallRun.Listener(reports.Add));

        Assert.Equal(2, again.Epoch);
        Assert.Contains("The best epoch, 1, cannot be restored", Assert.Single(reports).Warning, StringComparison.Ordinal);
    }

    private static EpochRecord Record(int epoch, double accuracy, double macroF1, double loss) => new(epoch, epoch, 1, 1e-3, accuracy, macroF1, loss, 1);

    private static void AssertSame(Vit expected, Vit actual) =>
        Assert.All(expected.Tensors, t => Assert.Equal(SmallRun.Values(t.Value), SmallRun.Values(actual.Tensors[t.Key])));
}
