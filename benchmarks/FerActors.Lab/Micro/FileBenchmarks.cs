using BenchmarkDotNet.Attributes;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Vision.Model;
using FerActors.Vision.Safetensors;

namespace FerActors.Lab.Micro;

/// <summary>Reading the shipped weights, and writing and reading a result with one face.</summary>
[MemoryDiagnoser]
public class FileBenchmarks
{
    private const string Folder = "models/fer-vit-compact";

    private static readonly ClassificationResult Result = new()
    {
        MessageId = "6f1c2f1e-0000-4000-8000-000000000001",
        Node = "node-1",
        Image = new ImageInfo(640, 480, "jpeg"),
        Model = new ModelIdentity("fer-vit-compact", "1", new string('a', 64)),
        Faces =
        [
            new FaceResult(
                new FaceBox(10, 20, 100, 110),
                null,
                1.5,
                0.93,
                Expression.Happy,
                nameof(Expression.Happy),
                0.91,
                [.. ExpressionNames.All.Select(e => new EmotionProbability(e, e.ToString(), e == Expression.Happy ? 0.91 : 0.015))]),
        ],
    };

    private byte[] _json = [];

    [GlobalSetup]
    public void SetUp() => _json = ResultJson.Serialize(Result);

    [Benchmark]
    public int OpenSafetensors()
    {
        using var file = SafetensorsFile.Open(Path.Combine(Folder, "model.safetensors"));
        return file.Tensors.Keys.Sum(name => file.ReadAsFloat32(name).Length);
    }

    [Benchmark]
    public int LoadModelFolder()
    {
        using var checkpoint = VitCheckpoint.Load(Folder);
        return checkpoint.Model.Tensors.Count;
    }

    [Benchmark]
    public byte[] SerializeResult() => ResultJson.Serialize(Result);

    [Benchmark]
    public ClassificationResult DeserializeResult() => ResultJson.Deserialize(_json);
}
