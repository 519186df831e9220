using FerActors.Training.Engine;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class LayerRatesSpecs
{
    [Theory]
    [InlineData("vit.embeddings.cls_token", 0.31640625)]
    [InlineData("vit.embeddings.patch_embeddings.projection.weight", 0.31640625)]
    [InlineData("vit.encoder.layer.0.attention.attention.query.weight", 0.421875)]
    [InlineData("vit.encoder.layer.1.output.dense.bias", 0.5625)]
    [InlineData("vit.encoder.layer.2.layernorm_after.weight", 0.75)]
    [InlineData("vit.layernorm.weight", 1)]
    [InlineData("classifier.weight", 1)]
    public void Each_of_three_layers_has_three_quarters_of_the_rate_above_it(string name, double factor) =>
        Assert.Equal(factor, LayerRates.Factor(name, layers: 3, decay: 0.75), 12);

    [Fact]
    public void A_two_digit_layer_stands_above_a_one_digit_one() =>
        Assert.Equal([1, 2, 10, 11, 12], new[] { 0, 1, 9, 10, 11 }.Select(i => LayerRates.Depth($"vit.encoder.layer.{i}.output.dense.bias", 12)));

    [Fact]
    public void A_step_moves_each_layer_by_its_own_rate_and_decays_it_by_it()
    {
        const double decay = 0.5, weightDecay = 0.1, rate = 0.01;
        using var model = Vit.Create(SmallRun.Plain, 1);
        using var parameters = new FlatParameters(model);
        using var optimizer = new AdamW(parameters, weightDecay, name => LayerRates.Factor(name, 2, decay));
        using var gradients = ones_like(parameters.Values);

        optimizer.Step(gradients, 1, rate);

        // The first step of Adam on gradients of 1 is the rate itself.
        foreach (var (name, before) in model.Tensors)
        {
            var depth = name.StartsWith("vit.embeddings.", StringComparison.Ordinal) ? 0
                : name.StartsWith("vit.encoder.layer.0.", StringComparison.Ordinal) ? 1
                : name.StartsWith("vit.encoder.layer.1.", StringComparison.Ordinal) ? 2 : 3;
            var own = rate * Math.Pow(decay, 3 - depth);
            var shrinks = before.dim() >= 2 && !name.EndsWith("cls_token", StringComparison.Ordinal)
                && !name.EndsWith("position_embeddings", StringComparison.Ordinal);
            var expected = SmallRun.Values(before).Select(w => (float)((w * (1 - (shrinks ? own * weightDecay : 0))) - own));
            SmallRun.AssertClose(expected, SmallRun.Values(parameters.Model.Tensors[name]), 1e-6);
        }
    }
}
