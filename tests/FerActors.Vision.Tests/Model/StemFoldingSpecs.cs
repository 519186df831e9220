using FerActors.Testing.Files;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Vision.Tests.Model;

public sealed class StemFoldingSpecs
{
    private static readonly VitConfig Config = new()
    {
        ImageSize = 24,
        PatchSize = 4,
        HiddenSize = 16,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 32,
        NumChannels = 1,
        Labels = LabelMap.Fer2013Labels,
        ConvStem = new ConvStemConfig([16, 32], 3) { Norm = StemNorm.Batch, Residual = true },
    };

    public StemFoldingSpecs() => TorchRuntime.EnsureLoaded();

    [Fact]
    public void A_folded_model_answers_as_the_batch_that_was_measured()
    {
        using var scope = NewDisposeScope();
        using var model = Trained();
        var pixels = Pixels(64, seed: 1);

        using var folded = Folded(model, pixels);

        // The one difference: a norm divides by the variance of the batch at hand, and statistics hold the unbiased one.
        AssertClose(model.Forward(pixels), folded.Forward(pixels), 2e-3);
        Assert.Equal(StemNorm.None, folded.Config.ConvStem!.Norm);
        Assert.DoesNotContain(folded.Tensors.Keys, name => name.Contains("_norm", StringComparison.Ordinal));
    }

    [Fact]
    public void A_face_is_answered_alike_whatever_its_batch_is()
    {
        using var scope = NewDisposeScope();
        using var model = Trained();
        using var folded = Folded(model, Pixels(64, seed: 1));
        var pixels = Pixels(5, seed: 2);

        AssertClose(folded.Forward(pixels)[TensorIndex.Slice(0, 1)], folded.Forward(pixels[TensorIndex.Slice(0, 1)]), 1e-5);

        // Before, it is not: that is why a model folder never has such a norm.
        var alone = model.Forward(pixels[TensorIndex.Slice(0, 1)]);
        Assert.True((model.Forward(pixels)[TensorIndex.Slice(0, 1)] - alone).abs().max().item<float>() > 1e-2);
    }

    [Fact]
    public void Each_batch_counts_as_much_as_each_other()
    {
        using var scope = NewDisposeScope();
        using var model = Trained();
        using var together = new StemStatistics(Config, CPU);
        var batches = Enumerable.Range(1, 5).Select(seed => Pixels(16, seed)).ToList();
        batches.ForEach(batch => together.Measure(model, batch));

        foreach (var conv in Config.ConvStem!.Convolutions(1))
        {
            var (means, variances) = (zeros(conv.Outputs), zeros(conv.Outputs));
            foreach (var batch in batches)
            {
                using var single = new StemStatistics(Config, CPU);
                single.Measure(model, batch);
                means = means + (single[conv].Mean / batches.Count);
                variances = variances + (single[conv].Variance / batches.Count);
            }

            AssertClose(means, together[conv].Mean, 1e-5);
            AssertClose(variances, together[conv].Variance, 1e-4);
        }
    }

    [Fact]
    public void A_folded_model_is_written_and_read_again()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Trained();
        using var folded = Folded(model, Pixels(32, seed: 1));
        VitCheckpoint.Save(folder.Root, folded, PreprocessorConfig.For(Config), half: false);

        using var again = VitCheckpoint.Load(folder.Root);

        Assert.Equal((StemNorm.None, true), (again.Model.Config.ConvStem!.Norm, again.Model.Config.ConvStem.Residual));
        AssertClose(folded.Forward(Pixels(4, seed: 3)), again.Model.Forward(Pixels(4, seed: 3)), 0);
        Assert.Equal(again.Model.Tensors.Values.Sum(t => t.numel()), again.Model.Config.ParameterCount);
    }

    [Fact]
    public void A_folded_model_gets_its_norms_back_and_answers_as_before_to_the_batch_that_was_measured()
    {
        using var scope = NewDisposeScope();
        using var model = Trained();
        using var folded = Folded(model, Pixels(64, seed: 1));
        var pixels = Pixels(64, seed: 2);

        using var unfolded = Unfolded(folded, pixels);

        AssertClose(folded.Forward(pixels), unfolded.Forward(pixels), 2e-3);
        Assert.Equal(Config.ConvStem!.Norm, unfolded.Config.ConvStem!.Norm);
        Assert.Equal(model.Tensors.Keys.Order(), unfolded.Tensors.Keys.Order());
    }

    [Fact]
    public void Kernels_whose_norms_are_back_are_as_long_as_fresh_ones()
    {
        using var scope = NewDisposeScope();
        using var model = Trained();
        using var folded = Folded(model, Pixels(64, seed: 1));

        using var unfolded = Unfolded(folded, Pixels(64, seed: 1));

        foreach (var conv in Config.ConvStem!.Convolutions(1))
        {
            var name = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: false, "weight");
            var lengths = unfolded.Tensors[name].flatten(1).norm(1);
            AssertClose(full_like(lengths, Math.Sqrt(2.0 * conv.Inputs / conv.Outputs)), lengths, 1e-3);
            Assert.InRange(
                unfolded.Tensors[name].norm().item<float>() / Vit.Create(Config, 5).Tensors[name].norm().item<float>(), 0.8, 1.25);
        }
    }

    [Fact]
    public void A_dead_channel_stays_dead_when_the_norms_come_back()
    {
        using var scope = NewDisposeScope();
        using var folded = Vit.Create(Config with { ConvStem = Config.ConvStem! with { Norm = StemNorm.None } }, 1);
        folded.Tensors[CheckpointKeys.InStem(0, 1, norm: false, "weight")][TensorIndex.Slice(3, 4)].zero_();
        var pixels = Pixels(64, seed: 2);

        using var unfolded = Unfolded(folded, pixels);

        Assert.True(unfolded.Tensors.Values.All(t => t.isfinite().all().item<bool>()));
        AssertClose(folded.Forward(pixels), unfolded.Forward(pixels), 2e-3);
    }

    [Fact]
    public void A_model_that_was_not_folded_is_not_written()
    {
        using var folder = new TemporaryFolder();
        using var model = Trained();

        var fault = Assert.Throws<VitConfigException>(() => VitCheckpoint.Save(folder.Root, model, PreprocessorConfig.For(Config), half: false));
        Assert.Contains("fold the model first", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_batch_normalisation_that_was_measured_can_be_folded()
    {
        using var model = Trained();
        using var unmeasured = new StemStatistics(Config, CPU);
        using var group = Vit.Create(Config with { ConvStem = Config.ConvStem! with { Norm = StemNorm.Group } }, 1);

        Assert.Throws<ArgumentException>(() => StemFolding.Fold(model, unmeasured));
        Assert.Throws<ArgumentException>(() => StemFolding.Fold(group, unmeasured));
        Assert.Throws<ArgumentException>(() => StemFolding.Unfold(group, unmeasured));
        Assert.Throws<ArgumentException>(() => StemFolding.Unfold(model, unmeasured));
        Assert.Throws<ArgumentException>(() => new StemStatistics(Config with { ConvStem = null, PatchSize = 4 }, CPU));
    }

    [Fact]
    public void Gradients_flow_through_batch_normalisation_and_around_it()
    {
        using var scope = NewDisposeScope();
        using var model = Trained();
        foreach (var tensor in model.Tensors.Values)
        {
            tensor.requires_grad_(true);
        }

        nn.functional.cross_entropy(model.Forward(Pixels(7, seed: 4)), arange(7)).backward();

        Assert.All(model.Tensors, t => Assert.True(t.Value.grad is { } g && g.abs().max().item<float>() > 0, t.Key));
    }

    // Norms that are not 1 and 0, as after training.
    private static Vit Trained()
    {
        using var noGrad = no_grad();
        using var generator = new Generator(9);
        var model = Vit.Create(Config, 3);
        foreach (var conv in Config.ConvStem!.Convolutions(1))
        {
            using var weight = randn(conv.Outputs, generator: generator).mul(0.3).add(1);
            using var bias = randn(conv.Outputs, generator: generator).mul(0.3);
            model.Tensors[CheckpointKeys.InStem(conv.Stage, conv.Place, norm: true, "weight")].copy_(weight);
            model.Tensors[CheckpointKeys.InStem(conv.Stage, conv.Place, norm: true, "bias")].copy_(bias);
        }

        return model;
    }

    private static Vit Folded(Vit model, Tensor pixels)
    {
        using var statistics = Measured(model, pixels);
        return StemFolding.Fold(model, statistics);
    }

    private static Vit Unfolded(Vit folded, Tensor pixels)
    {
        using var statistics = Measured(folded, pixels);
        return StemFolding.Unfold(folded, statistics);
    }

    private static StemStatistics Measured(Vit model, Tensor pixels)
    {
        var statistics = new StemStatistics(model.Config, CPU);
        statistics.Measure(model, pixels);
        return statistics;
    }

    private static Tensor Pixels(int count, int seed)
    {
        using var generator = new Generator((ulong)seed);
        return randn([count, 1, 24, 24], generator: generator).mul(0.5).add(0.2);
    }

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance) =>
        Assert.InRange((expected - actual).abs().max().item<float>(), 0, tolerance);
}
