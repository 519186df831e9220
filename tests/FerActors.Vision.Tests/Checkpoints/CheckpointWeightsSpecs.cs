using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Safetensors;

namespace FerActors.Vision.Tests.Checkpoints;

public sealed class CheckpointWeightsSpecs : IDisposable
{
    private const string First = "model-00001-of-00002.safetensors";
    private const string Second = "model-00002-of-00002.safetensors";

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-shards-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_model_in_two_files_loads_as_the_one_it_was_cut_from()
    {
        var config = new VitConfig
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
        using var model = Vit.Create(config, 5);
        VitCheckpoint.Save(_folder, model, PreprocessorConfig.For(config), half: false);
        var whole = Path.Combine(_folder, VitCheckpoint.WeightsFileName);
        var tensors = new List<TensorData>();
        using (var file = SafetensorsFile.Open(whole))
        {
            tensors.AddRange(file.Tensors.Keys.Select(name => TensorData.FromFloat32(name, [.. file.Tensors[name].Shape], file.ReadAsFloat32(name))));
        }

        File.Delete(whole);
        var half = tensors.Count / 2;
        Write(First, [.. tensors.Take(half)]);
        Write(Second, [.. tensors.Skip(half)]);
        WriteIndex(tensors.Select((tensor, i) => (tensor.Name, i < half ? First : Second)));

        using var loaded = VitCheckpoint.Load(_folder);

        Assert.All(model.Tensors, t => Assert.True(t.Value.equal(loaded.Model.Tensors[t.Key]).all().item<bool>(), t.Key));
        var listing = string.Concat(new[] { SafetensorsIndex.FileName, First, Second }.Select(name => $"{Sha256(name)}  {name}\n"));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(listing))), loaded.WeightsSha256);
    }

    [Fact]
    public void The_single_file_wins_where_a_folder_has_both_forms()
    {
        Write(CheckpointWeights.SingleFileName, [Tensor("a", 1)]);
        WriteIndex([("b", First)]);

        using var weights = CheckpointWeights.Open(_folder);

        Assert.Equal(["a"], weights.Tensors.Keys);
        Assert.Equal(Sha256(CheckpointWeights.SingleFileName), weights.Sha256);
    }

    [Fact]
    public void A_file_that_the_index_names_has_to_be_there()
    {
        Write(First, [Tensor("a", 1)]);
        WriteIndex([("a", First), ("b", Second)]);

        Assert.Contains($"has no {Second}", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_stands_in_two_files_is_refused()
    {
        Write(First, [Tensor("a", 1)]);
        Write(Second, [Tensor("a", 2), Tensor("b", 2)]);
        WriteIndex([("a", First), ("b", Second)]);

        Assert.Contains($"holds tensor 'a', which the index puts into {First}", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_the_index_does_not_name_is_refused()
    {
        Write(First, [Tensor("a", 1), Tensor("stowaway", 1)]);
        WriteIndex([("a", First)]);

        Assert.Contains("does not name", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_its_file_lacks_is_refused()
    {
        Write(First, [Tensor("a", 1)]);
        WriteIndex([("a", First), ("b", First)]);

        Assert.Contains("lacks tensor 'b'", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"weight_map":[]}""")]
    [InlineData("""{"weight_map":{}}""")]
    [InlineData("""{"weight_map":{"a":7}}""")]
    [InlineData("""{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}""")]
    [InlineData("""{"weight_map":{"a":"../x.safetensors"}}""")]
    [InlineData("""{"weight_map":{"a":"sub/x.safetensors"}}""")]
    [InlineData("""{"weight_map":{"a":"C:x.safetensors"}}""")]
    [InlineData("""{"weight_map":{"a":".safetensors"}}""")]
    [InlineData("""{"weight_map":{"a":"pytorch_model.bin"}}""")]
    public void What_is_no_index_of_plain_names_is_refused(string json) =>
        Assert.Throws<CheckpointException>(() => SafetensorsIndex.Parse(Encoding.UTF8.GetBytes(json)));

    private static TensorData Tensor(string name, float value) => TensorData.FromFloat32(name, [1], [value]);

    private string Refusal() => Assert.Throws<CheckpointException>(() => CheckpointWeights.Open(_folder)).Message;

    private string Sha256(string name) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(_folder, name))));

    private void Write(string name, IReadOnlyList<TensorData> tensors) => SafetensorsWriter.Write(Path.Combine(_folder, name), tensors);

    private void WriteIndex(IEnumerable<(string Tensor, string File)> entries) => File.WriteAllText(
        Path.Combine(_folder, SafetensorsIndex.FileName),
        JsonSerializer.Serialize(new { metadata = new { total_size = 0 }, weight_map = entries.ToDictionary(e => e.Tensor, e => e.File) }));
}
