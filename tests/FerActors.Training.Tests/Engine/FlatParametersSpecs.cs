using FerActors.Training.Engine;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

public sealed class FlatParametersSpecs
{
    [Fact]
    public void The_vector_holds_every_weight_in_the_order_of_the_names()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);

        Assert.Equal(model.Config.ParameterCount, parameters.Count);
        Assert.Equal(TinyRun.Weights(model), TinyRun.Values(parameters.Values));
        Assert.Equal(TinyRun.Weights(model), TinyRun.Weights(parameters.Model));
    }

    [Fact]
    public void What_is_written_into_the_vector_is_what_the_model_computes_with()
    {
        using var model = TinyRun.Model();
        using var other = TinyRun.Model(seed: 4);
        using var parameters = new FlatParameters(model);
        using var pixels = rand([2, 1, 48, 48], generator: new Generator(1));
        using var values = tensor(TinyRun.Weights(other));

        using (no_grad())
        {
            parameters.Values.copy_(values);
        }

        using var expected = other.Forward(pixels, new(null, null));
        using var actual = parameters.Model.Forward(pixels, new(null, null)).detach();
        Assert.Equal(TinyRun.Values(expected), TinyRun.Values(actual));
    }

    [Fact]
    public void The_model_that_it_was_made_of_stays_as_it_was()
    {
        using var model = TinyRun.Model();
        var before = TinyRun.Weights(model);
        using var parameters = new FlatParameters(model);

        using (no_grad())
        {
            parameters.Values.zero_();
        }

        Assert.Equal(before, TinyRun.Weights(model));
    }

    [Fact]
    public void The_gradients_stand_where_their_weights_stand()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var scope = NewDisposeScope();

        // The derivative of sum(w * c) with respect to w is c: each tensor gets a number of its own.
        var numbers = parameters.Model.Tensors.Keys.Index().ToDictionary(name => name.Item, name => name.Index + 1);
        var loss = zeros([]);
        foreach (var (name, weights) in parameters.Model.Tensors)
        {
            loss += weights.sum() * numbers[name];
        }

        loss.backward();
        var gradients = parameters.TakeGradients();

        var expected = parameters.ByTensor((name, _) => numbers[name]);
        Assert.Equal(TinyRun.Values(expected), TinyRun.Values(gradients));
    }

    [Fact]
    public void Gradients_are_taken_once_and_weights_without_any_count_as_zero()
    {
        using var model = TinyRun.Model();
        using var parameters = new FlatParameters(model);
        using var scope = NewDisposeScope();
        parameters.Model.Tensors["classifier.bias"].sum().backward();

        Assert.Equal(model.Tensors["classifier.bias"].numel(), parameters.TakeGradients().sum().item<float>());
        Assert.Equal(0, parameters.TakeGradients().abs().sum().item<float>());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_copy_has_other_values_of_its_own_in_the_same_places(ScalarType dtype)
    {
        using var model = TinyRun.Model();
        using var other = TinyRun.Model(seed: 4);
        using var parameters = new FlatParameters(model);
        using var values = tensor(TinyRun.Weights(other));

        using var copy = parameters.CopyWith(values, dtype);
        using var expected = other.To(dtype, CPU);
        values.zero_();

        Assert.Equal(dtype, copy.DType);
        Assert.Equal(model.Config, copy.Config);
        foreach (var (name, weights) in expected.Tensors)
        {
            using var difference = weights - copy.Tensors[name];
            Assert.Equal(0, difference.abs().max().to(ScalarType.Float32).item<float>());
        }
    }
}
