using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Vision.Tests.Model;

public sealed class VitSpecs
{
    private static VitConfig Plain { get; } = new()
    {
        ImageSize = 16,
        PatchSize = 4,
        NumChannels = 3,
        HiddenSize = 24,
        NumHiddenLayers = 3,
        NumAttentionHeads = 4,
        IntermediateSize = 40,
        Labels = LabelMap.Fer2013Labels,
    };

    private static VitConfig Conv { get; } = Plain with { NumChannels = 1, ConvStem = new ConvStemConfig([8, 16], 2) };

    public static TheoryData<string> Variants => ["plain", "no qkv bias", "gelu tanh", "relu", "conv stem", "residual stem", "folded stem"];

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_logits_equal_those_of_the_definition(string variant)
    {
        var config = Configured(variant);
        using var model = Randomised(config);
        var image = Image(config, seed: 5);
        var expected = new ReferenceVit(config, Weights(model)).Logits(image);

        using var pixels = Batch(config, image);
        using var logits = model.Forward(pixels);

        Assert.Equal([1, 7], logits.shape);
        AssertClose(expected, logits.data<float>().ToArray(), 1e-4);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_pass_that_keeps_the_attention_gives_the_same_logits(string variant)
    {
        var config = Configured(variant);
        using var model = Randomised(config);
        using var pixels = Batch(config, Image(config, 1), Image(config, 2));

        using var fused = model.Forward(pixels);
        var (logits, attention) = model.ForwardWithAttention(pixels);

        AssertClose(fused.data<float>().Select(v => (double)v).ToArray(), logits.data<float>().ToArray(), 1e-5);
        Assert.Equal(config.NumHiddenLayers, attention.Count);
        Assert.All(attention, layer =>
        {
            Assert.Equal([2, config.NumAttentionHeads, config.SequenceLength, config.SequenceLength], layer.shape);
            Assert.All(layer.sum(-1).data<float>().ToArray(), row => Assert.Equal(1, row, 1e-4));
        });
    }

    // By central differences of the definition: a weight is nudged in either direction, and the chosen output moves.
    [Theory]
    [InlineData("plain")]
    [InlineData("conv stem")]
    public void The_gradients_of_the_attention_are_those_of_the_definition(string variant)
    {
        const double by = 1e-4;
        var config = Configured(variant);
        using var model = Randomised(config);
        var image = Image(config, seed: 6);
        using var pixels = Batch(config, image, Image(config, seed: 7));

        var (logits, attention, gradients) = model.ForwardWithGradients(pixels, _ => tensor(new long[] { 2, 5 }));

        Assert.Equal(config.NumHiddenLayers, gradients.Count);
        using var plain = model.Forward(pixels);
        AssertClose(plain.data<float>().Select(v => (double)v).ToArray(), logits.data<float>().ToArray(), 1e-5);
        Assert.All(gradients.Zip(attention, (gradient, weights) => (gradient, weights)), pair => Assert.Equal(pair.weights.shape, pair.gradient.shape));
        var random = new Random(1);
        var largest = 0.0;
        for (var i = 0; i < 30; i++)
        {
            var (layer, head) = (random.Next(config.NumHiddenLayers), random.Next(config.NumAttentionHeads));
            var (from, to) = (layer == config.NumHiddenLayers - 1 ? 0 : random.Next(config.SequenceLength), random.Next(config.SequenceLength));
            double Moved(double step) => new ReferenceVit(config, Weights(model)) { Nudge = (layer, head, from, to, step) }.Logits(image)[2];
            var expected = (Moved(by) - Moved(-by)) / (2 * by);
            Assert.Equal(expected, gradients[layer][0, head, from, to].item<float>(), 1e-3 + (1e-2 * Math.Abs(expected)));
            largest = Math.Max(largest, Math.Abs(expected));
        }

        Assert.True(largest > 0.02, $"All gradients are small: {largest}.");
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_classifier_is_a_linear_function_of_the_embedding(string variant)
    {
        var config = Configured(variant);
        using var model = Randomised(config);
        using var pixels = Batch(config, Image(config, 1), Image(config, 2));

        var (logits, embedding) = model.ForwardWithEmbedding(pixels);

        Assert.Equal([2, config.HiddenSize], embedding.shape);
        using var again = embedding.matmul(model.Tensors["classifier.weight"].t()) + model.Tensors["classifier.bias"];
        AssertClose(logits.data<float>().Select(v => (double)v).ToArray(), again.data<float>().ToArray(), 1e-4);
        using var plain = model.Forward(pixels);
        Assert.Equal(plain.data<float>().ToArray(), logits.data<float>().ToArray());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void In_bf16_the_probabilities_stay_near_those_of_fp32(string variant)
    {
        var config = Configured(variant);
        using var model = Randomised(config);
        using var half = model.To(ScalarType.BFloat16, CPU);
        using var pixels = Batch(config, Image(config, 3));

        using var exact = model.Forward(pixels).softmax(1);
        using var rounded = half.Forward(pixels).softmax(1);

        Assert.Equal(ScalarType.BFloat16, half.DType);
        AssertClose(exact.data<float>().Select(v => (double)v).ToArray(), rounded.data<float>().ToArray(), 0.05);
    }

    // Half of the widths that are tried are no multiple of 16: the convolutions of a maths library have been wrong there in bf16. With
    // the last one the stem is in bf16 too, where this machine has been seen to compute it right.
    [Theory]
    [InlineData("plain", 24)]
    [InlineData("plain", 32)]
    [InlineData("conv stem", 24)]
    [InlineData("conv stem", 48)]
    [InlineData("conv stem", 64)]
    public void In_bf16_the_gradients_point_where_those_of_fp32_point(string variant, int width)
    {
        var config = Configured(variant) with { HiddenSize = width, NumAttentionHeads = 2, NumHiddenLayers = 1 };
        config = config.ConvStem is null ? config : config with { ConvStem = new ConvStemConfig([width == 64 ? 32 : 8, width], 2) };
        using var model = Vit.Create(config, 3);
        using var pixels = Batch(config, Image(config, 4), Image(config, 5));

        var exact = Gradients(model, pixels, ScalarType.Float32);
        var rounded = Gradients(model, pixels, ScalarType.BFloat16);

        Assert.All(exact, gradient =>
        {
            var (expected, actual) = (gradient.Value, rounded[gradient.Key]);
            var (dot, norms) = (Dot(expected, actual), Math.Sqrt(Dot(expected, expected) * Dot(actual, actual)));
            Assert.True(norms < 1e-9 || dot / norms > 0.98, $"{gradient.Key}: cosine {dot / norms}");
        });
    }

    [Fact]
    public void Fp32_master_weights_computed_in_bf16_get_fp32_gradients()
    {
        using var model = Randomised(Plain);
        foreach (var tensor in model.Tensors.Values)
        {
            tensor.requires_grad_(true);
        }

        using var pixels = Batch(Plain, Image(Plain, 4));
        using var logits = model.Forward(pixels, new VitForwardOptions(ScalarType.BFloat16, null));
        logits.sum().backward();

        Assert.All(model.Tensors, t => Assert.Equal(ScalarType.Float32, t.Value.grad!.dtype));
    }

    [Fact]
    public void Images_of_a_batch_do_not_influence_each_other()
    {
        using var model = Randomised(Conv);
        using var one = model.Forward(Batch(Conv, Image(Conv, 1)));
        using var two = model.Forward(Batch(Conv, Image(Conv, 2), Image(Conv, 1)));

        AssertClose(one.data<float>().Select(v => (double)v).ToArray(), two[1].data<float>().ToArray(), 1e-5);
    }

    [Fact]
    public void A_layer_that_stochastic_depth_skips_leaves_the_tokens_as_they_are()
    {
        using var model = Randomised(Plain);
        using var pixels = Batch(Plain, Image(Plain, 1));
        using var zero = zeros(1, 1, 1);
        using var skipped = model.Forward(pixels, new VitForwardOptions(null, _ => zero));
        var weights = Weights(model);
        var expected = new ReferenceVit(Plain with { NumHiddenLayers = 1 }, WithoutBranches(weights)).Logits(Image(Plain, 1));

        AssertClose(expected, skipped.data<float>().ToArray(), 1e-4);
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_and_another_gives_others()
    {
        using var first = Vit.Create(Conv, 7);
        using var second = Vit.Create(Conv, 7);
        using var other = Vit.Create(Conv, 8);

        Assert.All(first.Tensors, t => Assert.True(t.Value.equal(second.Tensors[t.Key]).all().item<bool>()));
        Assert.False(first.Tensors["classifier.weight"].equal(other.Tensors["classifier.weight"]).all().item<bool>());
    }

    [Fact]
    public void A_batch_of_another_shape_is_refused_with_both_shapes()
    {
        using var model = Vit.Create(Plain, 1);
        using var pixels = zeros(1, 1, 16, 16);

        var error = Assert.Throws<ArgumentException>(() => model.Forward(pixels));

        Assert.Contains("[batch, 3, 16, 16]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[1, 1, 16, 16]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_that_do_not_fit_the_configuration_are_refused_by_name()
    {
        using var model = Vit.Create(Plain, 1);
        var without = model.Tensors.Where(t => t.Key != "classifier.bias").ToDictionary(t => t.Key, t => t.Value);
        var superfluous = model.Tensors.Append(new("extra", zeros(1))).ToDictionary(t => t.Key, t => t.Value);
        var misshapen = model.Tensors.ToDictionary(t => t.Key, t => t.Key == "classifier.bias" ? zeros(8) : t.Value);

        Assert.Contains("classifier.bias", Refusal(without), StringComparison.Ordinal);
        Assert.Contains("extra", Refusal(superfluous), StringComparison.Ordinal);
        Assert.Contains("[8]", Refusal(misshapen), StringComparison.Ordinal);

        static string Refusal(Dictionary<string, Tensor> tensors) =>
            Assert.Throws<ArgumentException>(() => Vit.FromTensors(Plain, tensors)).Message;
    }

    [Fact]
    public void A_thousand_passes_leave_no_tensor_behind()
    {
        using var model = Randomised(Conv);
        using var pixels = Batch(Conv, Image(Conv, 1));
        using (model.Forward(pixels))
        {
        }

        var before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 1000; i++)
        {
            using var inference = inference_mode();
            using var logits = model.Forward(pixels);
        }

        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [InlineData(false, 8)]
    [InlineData(false, 20)]
    [InlineData(true, 12)]
    public void Images_of_another_side_are_classified_as_by_a_model_whose_positions_were_resized_to_it(bool stem, int side)
    {
        var config = stem ? Conv : Plain;
        using var model = Vit.Create(config, 7);
        var resized = model.Tensors.ToDictionary(t => t.Key, t => t.Value.clone());
        var values = PositionEmbeddings.Resize(model.Tensors[CheckpointKeys.Positions].data<float>().ToArray(), config.HiddenSize, config.GridSize, side / config.PatchSize);
        resized[CheckpointKeys.Positions].Dispose();
        resized[CheckpointKeys.Positions] = tensor(values, [1, values.Length / config.HiddenSize, config.HiddenSize]);
        using var other = Vit.FromTensors(config with { ImageSize = side }, resized);
        using var pixels = rand([2, config.NumChannels, side, side]);

        using var expected = other.Forward(pixels);
        using var actual = model.Forward(pixels, VitForwardOptions.Serving with { AnySide = true });

        Assert.True(actual.allclose(expected, rtol: 0, atol: 1e-5));
        Assert.Throws<ArgumentException>(() => model.Forward(pixels));
    }

    [Fact]
    public void Smaller_images_train_the_position_of_every_patch()
    {
        using var model = Randomised(Conv);
        using var pixels = rand([2, Conv.NumChannels, 12, 12]);
        var positions = model.Tensors[CheckpointKeys.Positions];
        positions.requires_grad = true;

        using var logits = model.Forward(pixels, VitForwardOptions.Serving with { AnySide = true });
        using var loss = logits.square().sum();
        loss.backward();

        using var size = positions.grad!.abs().sum(-1);
        Assert.All(size.data<float>().ToArray(), gradient => Assert.NotEqual(0, gradient));
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(12, 8)]
    public void A_side_that_fills_no_patch_is_refused_even_where_any_side_is_taken(int height, int width)
    {
        using var model = Vit.Create(Conv, 1);
        using var pixels = zeros(1, 1, height, width);

        Assert.Throws<ArgumentException>(() => model.Forward(pixels, VitForwardOptions.Serving with { AnySide = true }));
    }

    private static VitConfig Configured(string variant) => variant switch
    {
        "plain" => Plain,
        "no qkv bias" => Plain with { QkvBias = false },
        "gelu tanh" => Plain with { HiddenAct = HiddenActivation.GeluTanh },
        "relu" => Plain with { HiddenAct = HiddenActivation.Relu },
        "conv stem" => Conv,
        "residual stem" => Conv with { ConvStem = new ConvStemConfig([8, 16], 3) { Residual = true } },
        "folded stem" => Conv with { ConvStem = new ConvStemConfig([8, 16], 5) { Residual = true, Norm = StemNorm.None } },
        _ => throw new ArgumentOutOfRangeException(nameof(variant)),
    };

    private static Dictionary<string, double[]> Gradients(Vit model, Tensor pixels, ScalarType compute)
    {
        foreach (var tensor in model.Tensors.Values)
        {
            tensor.requires_grad_(true);
            tensor.grad = null;
        }

        using var labels = tensor(new long[] { 1, 5 });
        using var logits = model.Forward(pixels, new VitForwardOptions(compute, null));
        using var loss = nn.functional.cross_entropy(logits, labels);
        loss.backward();
        return model.Tensors.ToDictionary(t => t.Key, t => t.Value.grad!.data<float>().Select(v => (double)v).ToArray());
    }

    private static double Dot(double[] a, double[] b) => a.Select((value, i) => value * b[i]).Sum();

    // Fresh weights have biases of zero and norms of one, which would hide a mix-up: these are random throughout.
    private static Vit Randomised(VitConfig config)
    {
        var model = Vit.Create(config, 3);
        using var generator = new Generator(11);
        using var noGrad = no_grad();
        foreach (var (name, tensor) in model.Tensors)
        {
            using var noise = randn(tensor.shape, generator: generator).mul_(0.2);
            tensor.add_(noise);
        }

        return model;
    }

    private static Dictionary<string, float[]> Weights(Vit model) => model.Tensors.ToDictionary(t => t.Key, t => t.Value.data<float>().ToArray());

    private static Dictionary<string, float[]> WithoutBranches(Dictionary<string, float[]> weights)
    {
        var copy = new Dictionary<string, float[]>(weights);
        foreach (var name in new[] { "attention.output.dense", "output.dense" })
        {
            foreach (var kind in new[] { ".weight", ".bias" })
            {
                copy[$"vit.encoder.layer.0.{name}{kind}"] = new float[weights[$"vit.encoder.layer.0.{name}{kind}"].Length];
            }
        }

        return copy;
    }

    private static float[] Image(VitConfig config, int seed)
    {
        using var generator = new Generator((ulong)seed);
        using var values = randn([config.NumChannels * config.ImageSize * config.ImageSize], generator: generator);
        return values.data<float>().ToArray();
    }

    private static Tensor Batch(VitConfig config, params float[][] images) =>
        tensor(images.SelectMany(i => i).ToArray(), [images.Length, config.NumChannels, config.ImageSize, config.ImageSize]);

    private static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }
}
