using FerActors.Testing.Files;
using FerActors.Training.Engine;

namespace FerActors.Training.Tests.Engine;

public sealed class ProgressiveSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_side_rises_by_one_patch_at_a_time_and_every_side_has_as_many_epochs_as_the_others()
    {
        var options = new ProgressiveOptions { FromSide = 32, Until = 0.8 };

        var sides = Enumerable.Range(0, 10).Select(epoch => options.SideAt(epoch, 10, 48, 8));

        Assert.Equal([32, 32, 32, 32, 40, 40, 40, 40, 48, 48], sides);
    }

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(48, 0.5)]
    public void Without_a_smaller_side_all_epochs_have_the_models_own(int from, double until)
    {
        var options = new ProgressiveOptions { FromSide = from, Until = until };

        Assert.All(Enumerable.Range(0, 5), epoch => Assert.Equal(48, options.SideAt(epoch, 5, 48, 8)));
    }

    [Fact]
    public void The_last_epoch_has_the_models_own_side_however_short_the_run()
    {
        var options = new ProgressiveOptions { FromSide = 16, Until = 0.99 };

        Assert.All(Enumerable.Range(1, 40), epochs => Assert.Equal(48, options.SideAt(epochs - 1, epochs, 48, 8)));
    }

    [Theory]
    [InlineData(12, "progressive.from_side is 12; for this model it must be a multiple of 8, at most 48.")]
    [InlineData(56, "progressive.from_side is 56; for this model it must be a multiple of 8, at most 48.")]
    public void A_side_that_does_not_fit_the_model_is_refused_before_anything_is_written(int side, string sentence)
    {
        var options = SmallRun.Options with { Progressive = new() { FromSide = side } };

        var refusal = Assert.Throws<ArgumentException>(() => new Trainer(options, SmallRun.Train, SmallRun.Validation));

        Assert.StartsWith(sentence, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sides_and_shares_out_of_bounds_are_named()
    {
        var errors = new TrainingOptions { Progressive = new() { FromSide = 4, Until = double.NaN } }.Validate();

        Assert.Equal(
            ["progressive.from_side is 4; it must be 0 or from 8 to 1024.", "progressive.until is NaN; it must be above 0 and below 1."],
            errors);
    }

    [Theory]
    [InlineData(ModelPresets.Tiny)]
    [InlineData(ModelPresets.Patch)]
    public async Task A_run_that_is_continued_within_a_smaller_side_ends_as_one_that_was_not_disturbed(string preset)
    {
        var options = SmallRun.Options with { Preset = preset, Epochs = 3, Progressive = new() { FromSide = 24, Until = 0.9 } };
        using var whole = await SmallRun.RunAsync(_folder, "whole", options);
        await SmallRun.BreakOffAsync(_folder, "parts", options, afterStep: 6);

        using var continued = await SmallRun.RunAsync(_folder, "parts", options);

        Assert.Equal(whole.State.History.Select(e => e.TrainLoss), continued.State.History.Select(e => e.TrainLoss));
        Assert.All(whole.Model.Tensors, t => Assert.Equal(SmallRun.Values(t.Value), SmallRun.Values(continued.Model.Tensors[t.Key])));
    }

    [Fact]
    public async Task Small_images_give_another_model_of_the_same_shape()
    {
        var options = SmallRun.Options with { Epochs = 2 };
        using var full = await SmallRun.RunAsync(_folder, "full", options);
        using var small = await SmallRun.RunAsync(_folder, "small", options with { Progressive = new() { FromSide = 24, Until = 0.5 } });

        Assert.NotEqual(full.State.History[0].TrainLoss, small.State.History[0].TrainLoss);
        Assert.All(full.Model.Tensors, t => Assert.Equal(t.Value.shape, small.Model.Tensors[t.Key].shape));
    }
}
