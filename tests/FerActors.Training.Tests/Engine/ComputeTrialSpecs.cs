using FerActors.Training.Engine;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class ComputeTrialSpecs
{
    public static TheoryData<string> Presets => [.. ModelPresets.Names];

    [Theory]
    [MemberData(nameof(Presets))]
    public void The_presets_have_the_same_gradients_in_bf16_but_for_rounding(string preset)
    {
        using var model = Vit.Create(ModelPresets.Get(preset), 3);
        using var parameters = new FlatParameters(model);

        var (tensor, error) = ComputeTrial.Worst(parameters, Gradients(parameters, ScalarType.Float32), Gradients(parameters, ScalarType.BFloat16));

        Assert.True(error < 0.75 * ComputeTrial.Tolerance, $"{tensor}: {error}");
    }

    [Fact]
    public void One_tensor_with_other_gradients_is_found_among_the_right_ones()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var exact = randn(parameters.Count);
        using var spoilt = exact.clone();
        var (name, _, offset, length) = parameters.Layout.First(t => t.Name.EndsWith("query.weight", StringComparison.Ordinal));
        spoilt.narrow(0, offset, length).mul_(0.5);

        var (tensor, error) = ComputeTrial.Worst(parameters, exact, spoilt);

        Assert.Equal(name, tensor);
        Assert.Equal(0.5, error, 0.001);
    }

    [Fact]
    public void Gradients_that_are_zero_but_for_rounding_are_no_difference()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var exact = randn(parameters.Count);
        var (_, _, offset, length) = parameters.Layout.First(t => t.Name.EndsWith("key.bias", StringComparison.Ordinal));
        exact.narrow(0, offset, length).mul_(1e-6);
        using var rounded = exact.clone();
        rounded.narrow(0, offset, length).mul_(-100);

        Assert.True(ComputeTrial.Worst(parameters, exact, rounded).Error < 0.01);
    }

    [Fact]
    public void A_gradient_that_is_no_number_is_the_worst()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var exact = randn(parameters.Count);
        using var rounded = exact.clone();
        rounded[5] = float.NaN;

        Assert.Equal(double.PositiveInfinity, ComputeTrial.Worst(parameters, exact, rounded).Error);
    }

    private static Tensor Gradients(FlatParameters parameters, ScalarType compute)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        var side = parameters.Config.ImageSize;
        var pixels = randn([8, parameters.Config.NumChannels, side, side], generator: generator);
        var labels = arange(8, ScalarType.Int64) % LabelMap.Fer2013Labels.Count;
        var logits = parameters.Model.Forward(pixels, new VitForwardOptions(compute, null));
        nn.functional.cross_entropy(logits, labels).backward();
        return parameters.TakeGradients().MoveToOuterDisposeScope();
    }
}
