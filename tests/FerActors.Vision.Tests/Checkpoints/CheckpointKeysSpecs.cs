using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Tests.Checkpoints;

public sealed class CheckpointKeysSpecs
{
    private static readonly VitConfig Base = new() { Labels = LabelMap.Fer2013Labels };

    private static readonly VitConfig Tiny = Base with
    {
        HiddenSize = 8,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 12,
        ImageSize = 8,
        PatchSize = 4,
    };

    private static readonly VitConfig Conv = Tiny with { ConvStem = new ConvStemConfig([3, 5], 2) };

    private static IReadOnlyList<string> Legacy(VitConfig config) => [.. CheckpointKeys.ExpectedShapes(config).Keys];

    private static string Replace(string name, params (string Old, string New)[] steps) =>
        steps.Aggregate(name, (text, step) => text.Replace(step.Old, step.New, StringComparison.Ordinal));

    private static string Version5(string name) => Replace(
        name,
        ("encoder.layer.", "layers."),
        ("attention.attention.query", "attention.q_proj"),
        ("attention.attention.key", "attention.k_proj"),
        ("attention.attention.value", "attention.v_proj"),
        ("attention.output.dense", "attention.o_proj"),
        ("intermediate.dense", "mlp.fc1"),
        (".output.dense", ".mlp.fc2"));

    private static IReadOnlyList<string> Timm(int layers) =>
    [
        "cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", "norm.weight", "norm.bias",
        "head.weight", "head.bias",
        .. Enumerable.Range(0, layers).SelectMany(layer =>
            new[] { "norm1", "norm2", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2" }
                .SelectMany(module => new[] { $"blocks.{layer}.{module}.weight", $"blocks.{layer}.{module}.bias" })),
    ];

    [Fact]
    public void ViT_B16_with_seven_classes_has_200_tensors_and_85804039_parameters()
    {
        var shapes = CheckpointKeys.ExpectedShapes(Base);
        Assert.Equal(200, shapes.Count);
        Assert.Equal(85_804_039, shapes.Values.Sum(shape => shape.Aggregate(1L, (product, size) => product * size)));
        Assert.Equal([1, 197, 768], shapes["vit.embeddings.position_embeddings"]);
        Assert.Equal([768, 3, 16, 16], shapes["vit.embeddings.patch_embeddings.projection.weight"]);
        Assert.Equal([3072, 768], shapes["vit.encoder.layer.11.intermediate.dense.weight"]);
        Assert.Equal([3072], shapes["vit.encoder.layer.11.intermediate.dense.bias"]);
        Assert.Equal([768, 3072], shapes["vit.encoder.layer.0.output.dense.weight"]);
        Assert.Equal([768], shapes["vit.encoder.layer.0.layernorm_before.bias"]);
        Assert.Equal([7, 768], shapes["classifier.weight"]);
    }

    [Fact]
    public void The_count_of_parameters_is_the_sum_of_the_shapes()
    {
        foreach (var config in new[] { Base, Tiny, Conv, Tiny with { QkvBias = false, NumChannels = 1 }, Conv with { NumChannels = 1 } })
        {
            Assert.Equal(
                config.ParameterCount,
                CheckpointKeys.ExpectedShapes(config).Values.Sum(shape => shape.Aggregate(1L, (product, size) => product * size)));
        }
    }

    [Fact]
    public void A_convolutional_stem_has_names_of_its_own()
    {
        var shapes = CheckpointKeys.ExpectedShapes(Conv);
        const string patches = "vit.embeddings.patch_embeddings.";
        Assert.Equal([3, 3, 3, 3], shapes[patches + "stem.0.0.weight"]);
        Assert.Equal([3], shapes[patches + "stem.0.0_norm.bias"]);
        Assert.Equal([5, 3, 3, 3], shapes[patches + "stem.1.0.weight"]);
        Assert.Equal([5, 5, 3, 3], shapes[patches + "stem.1.1.weight"]);
        Assert.Equal([5], shapes[patches + "stem.1.1.bias"]);
        Assert.Equal([8, 5, 1, 1], shapes[patches + "projection.weight"]);
    }

    [Fact]
    public void Legacy_names_stand_for_themselves()
    {
        foreach (var config in new[] { Tiny, Conv, Tiny with { QkvBias = false } })
        {
            var map = CheckpointKeys.Map(Legacy(config), config);
            map.EnsureComplete(requireClassifier: true);
            Assert.True(map.HasClassifier);
            Assert.Equal(Legacy(config).Count, map.Sources.Count);
            Assert.All(map.Sources, entry => Assert.Equal(TensorSource.Whole(entry.Key), entry.Value));
            Assert.Empty(map.Ignored);
        }
    }

    [Fact]
    public void Names_of_transformers_5_lead_to_the_legacy_ones()
    {
        var names = Legacy(Tiny).Select(Version5).ToList();
        Assert.Contains("vit.layers.1.attention.o_proj.weight", names);
        Assert.Contains("vit.layers.0.mlp.fc2.bias", names);

        var map = CheckpointKeys.Map(names, Tiny);

        map.EnsureComplete(requireClassifier: true);
        Assert.All(map.Sources, entry => Assert.Equal(TensorSource.Whole(Version5(entry.Key)), entry.Value));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bare_backbone_has_no_prefix_and_no_classifier(bool version5)
    {
        var names = Legacy(Tiny).Where(name => name.StartsWith("vit.", StringComparison.Ordinal))
            .Select(name => (version5 ? Version5(name) : name)["vit.".Length..])
            .Concat(["pooler.dense.weight", "pooler.dense.bias", "embeddings.mask_token"]);

        var map = CheckpointKeys.Map(names, Tiny);

        Assert.False(map.HasClassifier);
        Assert.Equal(["classifier.weight", "classifier.bias"], map.Missing);
        Assert.Equal(["embeddings.mask_token", "pooler.dense.bias", "pooler.dense.weight"], map.Ignored);
        map.EnsureComplete(requireClassifier: false);
        var message = Assert.Throws<CheckpointException>(() => map.EnsureComplete(requireClassifier: true)).Message;
        Assert.Contains("classifier.weight", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_classifier_is_never_complete()
    {
        var map = CheckpointKeys.Map(Legacy(Tiny).Where(name => name != "classifier.bias"), Tiny);
        Assert.False(map.HasClassifier);
        Assert.Throws<CheckpointException>(() => map.EnsureComplete(requireClassifier: false));
    }

    [Fact]
    public void Query_key_and_value_of_timm_are_the_thirds_of_one_tensor()
    {
        var map = CheckpointKeys.Map(Timm(Tiny.NumHiddenLayers), Tiny);

        map.EnsureComplete(requireClassifier: true);
        Assert.Equal(Legacy(Tiny).Order(), map.Sources.Keys.Order());
        Assert.Equal(
            new TensorSource("blocks.1.attn.qkv.weight", 0, 3),
            map.Sources["vit.encoder.layer.1.attention.attention.query.weight"]);
        Assert.Equal(new TensorSource("blocks.1.attn.qkv.bias", 1, 3), map.Sources["vit.encoder.layer.1.attention.attention.key.bias"]);
        Assert.Equal(
            new TensorSource("blocks.1.attn.qkv.weight", 2, 3),
            map.Sources["vit.encoder.layer.1.attention.attention.value.weight"]);
        Assert.Equal(TensorSource.Whole("blocks.0.attn.proj.weight"), map.Sources["vit.encoder.layer.0.attention.output.dense.weight"]);
        Assert.Equal(TensorSource.Whole("blocks.0.norm2.bias"), map.Sources["vit.encoder.layer.0.layernorm_after.bias"]);
        Assert.Equal(TensorSource.Whole("head.weight"), map.Sources["classifier.weight"]);
    }

    [Fact]
    public void A_part_of_a_tensor_is_read_as_its_own_parameter()
    {
        float[] values = [.. Enumerable.Range(0, 3 * 8 * 8).Select(i => (float)i)];
        using var file = Open(
            TensorData.FromFloat32("blocks.0.attn.qkv.weight", [24, 8], values),
            TensorData.FromFloat32("odd", [4], [1, 2, 3, 4]));
        var key = new TensorSource("blocks.0.attn.qkv.weight", 1, 3);

        Assert.Equal((long[])[8, 8], key.ShapeWithin(file.Tensors[key.Name].Shape)!);
        Assert.Equal(values[64..128], key.ReadAsFloat32(file));
        Assert.Equal([1, 2, 3, 4], TensorSource.Whole("odd").ReadAsFloat32(file));
        Assert.Null(new TensorSource("odd", 0, 3).ShapeWithin([4]));
        Assert.Null(new TensorSource("scalar", 0, 3).ShapeWithin([]));
        Assert.Throws<CheckpointException>(() => new TensorSource("odd", 0, 3).ReadAsFloat32(file));
        Assert.Throws<CheckpointException>(() => TensorSource.Whole("absent").ReadAsFloat32(file));
    }

    [Theory]
    [InlineData("vit.encoder.layer.2.layernorm_before.weight")]
    [InlineData("vit.encoder.layer.00.layernorm_before.weight")]
    [InlineData("vit.encoder.layer.-1.layernorm_before.weight")]
    [InlineData("vit.encoder.layer.99999999999.layernorm_before.weight")]
    [InlineData("vit.encoder.layer.0.weight")]
    [InlineData("vit.encoder.layer.0")]
    [InlineData("vit.encoder.layer.0.layernorm_before.gamma")]
    [InlineData("vit.layers.0.attention.r_proj.weight")]
    [InlineData("blocks.0.ls1.gamma")]
    [InlineData("blocks.")]
    [InlineData("vit.embeddings.distillation_token")]
    [InlineData("vit.embeddings.patch_embeddings.stem.0.0.weight")]
    [InlineData("dist_token")]
    [InlineData("VIT.layernorm.weight")]
    [InlineData("")]
    public void A_name_that_means_nothing_in_the_network_is_unexpected(string name)
    {
        var map = CheckpointKeys.Map([.. Legacy(Tiny), name], Tiny);
        Assert.Equal([name], map.Unexpected);
        var message = Assert.Throws<CheckpointException>(() => map.EnsureComplete(requireClassifier: true)).Message;
        Assert.Contains($"1 tensors that are not known ('{name}')", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Biases_that_the_configuration_denies_are_unexpected()
    {
        var config = Tiny with { QkvBias = false };
        Assert.Equal(6, CheckpointKeys.Map(Legacy(Tiny), config).Unexpected.Count);
        Assert.Equal(["blocks.0.attn.qkv.bias", "blocks.1.attn.qkv.bias"], CheckpointKeys.Map(Timm(2), config).Unexpected);
    }

    [Fact]
    public void Buffers_of_a_stems_norm_are_passed_through()
    {
        var buffer = CheckpointKeys.InStem(0, 1, norm: true, "running_mean");
        Assert.Equal("vit.embeddings.patch_embeddings.stem.0.1_norm.running_mean", buffer);
        var map = CheckpointKeys.Map([.. Legacy(Conv), buffer], Conv);
        map.EnsureComplete(requireClassifier: true);
        Assert.Equal(TensorSource.Whole(buffer), map.Sources[buffer]);
    }

    [Fact]
    public void What_is_missing_is_named_the_first_few()
    {
        var map = CheckpointKeys.Map(["classifier.weight", "classifier.bias"], Base);
        Assert.Equal(198, map.Missing.Count);
        var message = Assert.Throws<CheckpointException>(() => map.EnsureComplete(requireClassifier: true)).Message;
        Assert.Contains("it lacks 198 parameters ('vit.embeddings.cls_token', ", message, StringComparison.Ordinal);
        Assert.InRange(message.Length, 1, 500);
    }

    [Fact]
    public void Two_tensors_for_one_parameter_are_refused()
    {
        var error = Assert.Throws<CheckpointException>(() => CheckpointKeys.Map([.. Legacy(Tiny), "layernorm.weight"], Tiny));
        Assert.Contains("'layernorm.weight' and 'vit.layernorm.weight'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shapes_are_compared_parts_included()
    {
        var tensors = CheckpointKeys.ExpectedShapes(Tiny).ToDictionary(entry => entry.Key, entry => Info(entry.Key, entry.Value));
        var map = CheckpointKeys.Map(tensors.Keys, Tiny);
        Assert.Empty(map.FindShapeMismatches(tensors));
        map.EnsureShapes(tensors);

        tensors["classifier.weight"] = Info("classifier.weight", [1000, 8]);
        tensors[CheckpointKeys.Positions] = Info(CheckpointKeys.Positions, [1, 10, 8]);
        Assert.Equal(
            ["vit.embeddings.position_embeddings is [1,10,8], not [1,5,8]", "classifier.weight is [1000,8], not [7,8]"],
            map.FindShapeMismatches(tensors).Select(mismatch => mismatch.ToString()));
        map.EnsureShapes(tensors, CheckpointKeys.Positions, CheckpointKeys.ClassifierWeight);
        Assert.Contains(
            "1 parameters",
            Assert.Throws<CheckpointException>(() => map.EnsureShapes(tensors, CheckpointKeys.Positions)).Message,
            StringComparison.Ordinal);

        var timm = new Dictionary<string, TensorInfo> { ["blocks.0.attn.qkv.weight"] = Info("blocks.0.attn.qkv.weight", [24, 8]) };
        Assert.Empty(CheckpointKeys.Map(timm.Keys, Tiny).FindShapeMismatches(timm));
        timm["blocks.0.attn.qkv.weight"] = Info("blocks.0.attn.qkv.weight", [23, 8]);
        Assert.Throws<CheckpointException>(() => CheckpointKeys.Map(timm.Keys, Tiny).FindShapeMismatches(timm));
    }

    [Fact]
    public void A_configuration_that_is_not_valid_gives_no_shapes() =>
        Assert.Throws<VitConfigException>(() => CheckpointKeys.ExpectedShapes(Tiny with { HiddenSize = 9 }));

    private static TensorInfo Info(string name, long[] shape) => new(name, SafetensorsDType.F32, shape, 0, 0);

    private static SafetensorsFile Open(params TensorData[] tensors)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors);
        return SafetensorsFile.Open(stream.ToArray());
    }
}
