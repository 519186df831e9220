using FerActors.Testing.Files;
using FerActors.Training.Engine;
using FerActors.Vision.Model;

namespace FerActors.Training.Tests.Engine;

public sealed class FreezingSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Freezing.Body, 0, "classifier.")]
    [InlineData(Freezing.FirstLayers, 1, "classifier.|vit.layernorm.|vit.encoder.layer.1.")]
    [InlineData(Freezing.FirstLayers, 0, "classifier.|vit.layernorm.|vit.encoder.")]
    public async Task Frozen_tensors_stay_the_same_to_the_bit_and_all_others_learn(string freeze, int layers, string trained)
    {
        var folder = SmallRun.Save(_folder, "start", SmallRun.Plain);
        using var start = VitCheckpoint.Load(folder);
        var options = SmallRun.Options with { InitFrom = folder, Freeze = freeze, FreezeLayers = layers, Compute = "bf16", WeightDecay = 0.5 };

        using var result = await SmallRun.RunAsync(_folder, "run", options);

        foreach (var (name, before) in start.Model.Tensors)
        {
            var after = SmallRun.Values(result.Model.Tensors[name]);
            if (trained.Split('|').Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
            {
                Assert.NotEqual(SmallRun.Values(before), after);
            }
            else
            {
                Assert.Equal(SmallRun.Values(before), after);
            }
        }
    }

    [Fact]
    public void Frozen_tensors_are_outside_the_vector_and_the_graph()
    {
        using var model = Vit.Create(SmallRun.Plain, 1);
        using var parameters = new FlatParameters(model, name => Freezing.IsFrozen(new TrainingOptions { Freeze = Freezing.Body }, name, 2));
        using var pixels = TorchSharp.torch.rand([2, 3, 32, 32]);

        using var logits = parameters.Model.Forward(pixels);
        using var sum = logits.sum();
        sum.backward();

        Assert.Equal((7 * 16) + 7, parameters.Count);
        Assert.All(parameters.Model.Tensors, t =>
        {
            Assert.Equal(t.Key.StartsWith("classifier.", StringComparison.Ordinal), t.Value.requires_grad);
            Assert.Equal(t.Value.requires_grad, t.Value.grad is not null);
        });
    }

    [Fact]
    public void A_model_of_which_nothing_is_trained_is_refused()
    {
        using var model = Vit.Create(SmallRun.Plain, 1);

        Assert.Throws<ArgumentException>(() => new FlatParameters(model, _ => true));
    }

    [Fact]
    public void More_frozen_layers_than_the_model_has_are_refused()
    {
        var options = SmallRun.Options with { Freeze = Freezing.FirstLayers, FreezeLayers = 3 };

        var fault = Assert.Throws<ArgumentException>(() => new Trainer(options, SmallRun.Train, SmallRun.Validation));

        Assert.Contains("freeze_layers is 3, but the model has 2 layers", fault.Message, StringComparison.Ordinal);
    }
}
