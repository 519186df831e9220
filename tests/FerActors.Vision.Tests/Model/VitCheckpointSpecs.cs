using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Vision.Tests.Model;

public sealed class VitCheckpointSpecs : IDisposable
{
    private static readonly VitConfig Config = new()
    {
        ImageSize = 16,
        PatchSize = 4,
        NumChannels = 3,
        HiddenSize = 16,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 24,
        Labels = LabelMap.Fer2013Labels,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-checkpoint-").FullName;
    private readonly Vit _model = Vit.Create(Config, 5);

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_folder_that_was_written_loads_as_the_same_model()
    {
        VitCheckpoint.Save(_folder, _model, PreprocessorConfig.For(Config), half: false);

        using var loaded = VitCheckpoint.Load(_folder);

        Assert.False(loaded.FreshClassifier);
        Assert.Equal(64, loaded.WeightsSha256.Length);
        AssertSame(_model, loaded.Model);
    }

    [Fact]
    public void Halves_are_stored_in_half_the_space_and_come_back_rounded()
    {
        VitCheckpoint.Save(_folder, _model, PreprocessorConfig.For(Config), half: true);

        using var loaded = VitCheckpoint.Load(_folder);

        Assert.All(loaded.Model.Tensors, t => Assert.True(t.Value.allclose(_model.Tensors[t.Key], rtol: 1e-3, atol: 1e-6)));
        Assert.True(new FileInfo(Path.Combine(_folder, VitCheckpoint.WeightsFileName)).Length < 3 * Config.ParameterCount + 20_000);
    }

    [Fact]
    public void The_names_of_transformers_5_load()
    {
        Write(_model.Tensors, name => name
            .Replace("vit.encoder.layer.", "vit.layers.", StringComparison.Ordinal)
            .Replace("attention.attention.query", "attention.q_proj", StringComparison.Ordinal)
            .Replace("attention.attention.key", "attention.k_proj", StringComparison.Ordinal)
            .Replace("attention.attention.value", "attention.v_proj", StringComparison.Ordinal)
            .Replace("attention.output.dense", "attention.o_proj", StringComparison.Ordinal)
            .Replace("intermediate.dense", "mlp.fc1", StringComparison.Ordinal)
            .Replace(".output.dense", ".mlp.fc2", StringComparison.Ordinal));

        using var loaded = VitCheckpoint.Load(_folder);

        AssertSame(_model, loaded.Model);
    }

    [Fact]
    public void A_bare_backbone_with_a_pooler_gets_a_fresh_classifier_for_fine_tuning()
    {
        var tensors = _model.Tensors.Where(t => !t.Key.StartsWith("classifier", StringComparison.Ordinal))
            .ToDictionary(t => t.Key["vit.".Length..], t => t.Value);
        tensors["pooler.dense.weight"] = zeros(16, 16);
        tensors["pooler.dense.bias"] = zeros(16);
        Write(tensors, name => name);

        Assert.Throws<CheckpointException>(() => VitCheckpoint.Load(_folder));
        using var loaded = VitCheckpoint.Load(_folder, new VitLoadOptions(AllowFreshClassifier: true, InterpolatePositions: false));

        Assert.True(loaded.FreshClassifier);
        Assert.True(loaded.Model.Tensors["vit.layernorm.weight"].equal(_model.Tensors["vit.layernorm.weight"]).all().item<bool>());
    }

    [Fact]
    public void Another_input_side_interpolates_the_position_embeddings_where_asked()
    {
        VitCheckpoint.Save(_folder, _model, PreprocessorConfig.For(Config), half: false);

        Assert.Throws<CheckpointException>(() =>
            VitCheckpoint.Load(_folder, VitLoadOptions.Serving with { ImageSize = 32 }));
        using var loaded = VitCheckpoint.Load(_folder, VitLoadOptions.Serving with { ImageSize = 32, InterpolatePositions = true });
        var positions = loaded.Model.Tensors[CheckpointKeys.Positions];
        var own = _model.Tensors[CheckpointKeys.Positions];
        using var expected = nn.functional.interpolate(
            own.index(TensorIndex.Colon, TensorIndex.Slice(1)).reshape(1, 4, 4, 16).permute(0, 3, 1, 2),
            [8, 8],
            mode: InterpolationMode.Bicubic,
            align_corners: false).permute(0, 2, 3, 1).reshape(1, 64, 16);

        Assert.Equal(32, loaded.Model.Config.ImageSize);
        Assert.True(positions.index(TensorIndex.Colon, TensorIndex.Slice(1)).allclose(expected, rtol: 1e-4, atol: 1e-5));
        Assert.True(positions[0, 0].allclose(own[0, 0]));
    }

    [Fact]
    public void A_folder_with_only_a_pickle_is_refused_and_says_why()
    {
        File.WriteAllBytes(Path.Combine(_folder, "pytorch_model.bin"), [0x80, 0x02]);

        var error = Assert.Throws<CheckpointException>(() => VitCheckpoint.Load(_folder));

        Assert.Contains("pickle", error.Message, StringComparison.Ordinal);
    }

    private void Write(IEnumerable<KeyValuePair<string, Tensor>> tensors, Func<string, string> rename)
    {
        Config.Save(Path.Combine(_folder, VitConfig.FileName));
        SafetensorsWriter.Write(
            Path.Combine(_folder, VitCheckpoint.WeightsFileName),
            tensors.Select(t => TensorData.FromFloat32(rename(t.Key), t.Value.shape, t.Value.data<float>().ToArray())).ToList());
    }

    private static void AssertSame(Vit expected, Vit actual) =>
        Assert.All(expected.Tensors, t => Assert.True(t.Value.equal(actual.Tensors[t.Key]).all().item<bool>(), t.Key));
}
