using FerActors.Training.Engine;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class BatchPartsSpecs
{
    private const int Images = 7;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Parts_give_the_gradients_of_the_whole_batch(int count)
    {
        using var scope = NewDisposeScope();
        var (expectedLoss, expected) = Gradients(1);
        var (loss, actual) = Gradients(count);

        Assert.Equal(expectedLoss, loss, 1e-5f);
        var difference = (actual - expected).norm().item<float>() / expected.norm().item<float>();
        Assert.True(difference < 1e-5, $"The gradients differ by {difference}.");
    }

    [Fact]
    public void A_step_in_parts_is_repeatable_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var (firstLoss, first) = Gradients(3);
        var (secondLoss, second) = Gradients(3);

        Assert.Equal(firstLoss, secondLoss);
        Assert.Equal(0, (first - second).abs().max().item<float>());
    }

    [Fact]
    public void Gradients_start_anew_with_each_batch_and_see_the_new_weights()
    {
        using var scope = NewDisposeScope();
        using var model = Vit.Create(ModelPresets.Get(ModelPresets.Tiny), 5);
        using var parameters = new FlatParameters(model);
        using var parts = new BatchParts(parameters, 2);
        var before = parts.Run(Images, Loss).Gradients;
        var again = parts.Run(Images, Loss).Gradients;
        using (no_grad())
        {
            parameters.Values.mul_(1.1);
        }

        var after = parts.Run(Images, Loss).Gradients;

        Assert.Equal(0, (again - before).abs().max().item<float>());
        Assert.NotEqual(0, (after - before).abs().max().item<float>());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_failure_in_any_part_reaches_the_caller_and_the_parts_can_go_on(int failing)
    {
        using var scope = NewDisposeScope();
        using var model = Vit.Create(ModelPresets.Get(ModelPresets.Tiny), 5);
        using var parameters = new FlatParameters(model);
        using var parts = new BatchParts(parameters, 2);

        var error = Assert.Throws<InvalidOperationException>(
            () => parts.Run(Images, (vit, start, count) => start == failing ? throw new InvalidOperationException("It broke.") : Loss(vit, start, count)));

        Assert.Equal("It broke.", error.Message);
        Assert.True(float.IsFinite(parts.Run(Images, Loss).Loss));
    }

    [Theory]
    [InlineData(2, 128, 2, 1)]
    [InlineData(1, 128, 1, 1)]
    [InlineData(64, 128, 8, 8)]
    [InlineData(8, 8, 1, 8)]
    [InlineData(16, 4096, 16, 1)]
    public void Small_parts_are_avoided(int threads, int batchSize, int parts, int threadsEach) =>
        Assert.Equal((parts, threadsEach), BatchParts.Plan(threads, batchSize));

    [Fact]
    public void A_batch_smaller_than_the_parts_is_refused()
    {
        using var model = Vit.Create(ModelPresets.Get(ModelPresets.Tiny), 5);
        using var parameters = new FlatParameters(model);
        using var parts = new BatchParts(parameters, 3);

        Assert.Throws<ArgumentOutOfRangeException>(() => parts.Run(2, Loss));
    }

    private static (float Loss, Tensor Gradients) Gradients(int count)
    {
        using var model = Vit.Create(ModelPresets.Get(ModelPresets.Tiny), 5);
        using var parameters = new FlatParameters(model);
        using var parts = new BatchParts(parameters, count);
        return parts.Run(Images, Loss);
    }

    // Each image's own values, so that a part that took another's images would show.
    private static Tensor Loss(Vit model, int start, int count)
    {
        var pixels = stack(Enumerable.Range(start, count).Select(i => (arange(48 * 48, ScalarType.Float32) * (0.01 * (i + 1))).sin().view(1, 48, 48)));
        var labels = tensor(Enumerable.Range(start, count).Select(i => (long)(i % 7)).ToArray());
        return nn.functional.cross_entropy(model.Forward(pixels), labels, reduction: nn.Reduction.Sum) / Images;
    }
}
