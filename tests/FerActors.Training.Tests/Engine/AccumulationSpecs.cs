using FerActors.Testing.Files;
using FerActors.Training.Augmentation;
using FerActors.Training.Engine;

namespace FerActors.Training.Tests.Engine;

public sealed class AccumulationSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task A_batch_in_parts_trains_as_the_whole_batch_does(int parts)
    {
        // Everything that is drawn for a batch, on: mixing pairs images across the parts, stochastic depth drops some of each.
        var options = SmallRun.Options with
        {
            Epochs = 1,
            LabelSmoothing = 0.1,
            DropPath = 0.3,
            Augmentation = new AugmentationOptions(),
            Mix = new MixOptions { Probability = 1 },
            ClassWeights = ClassWeighting.InverseFrequency,
        };
        using var whole = await SmallRun.RunAsync(_folder, "whole", options);

        using var inParts = await SmallRun.RunAsync(_folder, "parts", options with { Accumulate = parts });

        Assert.Equal(whole.State.Step, inParts.State.Step);
        Assert.Equal(whole.State.History[0].TrainLoss, inParts.State.History[0].TrainLoss, 1e-5);
        foreach (var (name, weights) in whole.Model.Tensors.Where(t => !HasNoGradient(t.Key)))
        {
            SmallRun.AssertClose(SmallRun.Values(weights), SmallRun.Values(inParts.Model.Tensors[name]), 2e-4);
        }
    }

    // The softmax takes no notice of the keys' bias, nor a norm over single channels of the bias before it. Their gradients are
    // rounding alone, which Adam, dividing by the gradient's own size, makes into whole steps.
    private static bool HasNoGradient(string name) =>
        name.EndsWith("key.bias", StringComparison.Ordinal) || name.EndsWith("stem.0.0.bias", StringComparison.Ordinal);

    [Fact]
    public void Parts_that_do_not_divide_the_batch_are_refused() =>
        Assert.Equal(
            ["accumulate is 3; it must be at least 1 and divide batch_size (8)."], (SmallRun.Options with { Accumulate = 3 }).Validate());
}
