using FerActors.Inference.Models;
using FerActors.Vision.Configuration;
using FerActors.Vision.Export;
using FerActors.Vision.Model;
using FerActors.Vision.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace FerActors.Inference.Tests.Models;

/// <summary>The ONNX file that leaves, opened as any program would.</summary>
public sealed class OnnxExportSpecs : IDisposable
{
    private static readonly VitConfig Config = ModelFolder.Config with { FerActors = new FerActorsSection(Temperature: 1.7, Name: "small", Version: "2") };

    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("fer-onnx-").FullName, "model.onnx");

    public static TheoryData<string> Networks => ["plain", "gray", "group", "residual", "tanh", "relu"];

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);

    [Theory]
    [MemberData(nameof(Networks))]
    public void The_file_answers_as_libtorch_does_for_one_face_and_for_many(string network)
    {
        using var folder = new ModelFolder(Network(network));

        var seen = OnnxExport.Write(folder.Path, _file);

        Assert.Equal(DrawnFaces.Count, seen.Crops);
        using var session = new InferenceSession(_file);
        using var checkpoint = VitCheckpoint.Load(folder.Path);
        var faces = DrawnFaces.Of(Config.ImageSize);
        foreach (var count in new[] { 1, 5 })
        {
            var some = faces.Take(count).ToList();
            using var run = new RunOptions();
            using var input = OrtValue.CreateTensorValueFromMemory(Pixels(checkpoint, some), [count, checkpoint.Model.Config.NumChannels, Config.ImageSize, Config.ImageSize]);
            using var outputs = session.Run(run, ["pixels"], [input], ["probabilities"]);
            var expected = ExportAnswers.Of(checkpoint, some).Probabilities;
            var actual = outputs[0].GetTensorDataAsSpan<float>().ToArray();
            Assert.Equal(expected.Length, actual.Length);
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }
    }

    [Fact]
    public void The_file_says_what_it_is_and_how_its_input_is_made()
    {
        using var folder = new ModelFolder(Config);

        OnnxExport.Write(folder.Path, _file);

        using var session = new InferenceSession(_file);
        using var checkpoint = VitCheckpoint.Load(folder.Path);
        var said = session.ModelMetadata.CustomMetadataMap;
        Assert.Equal("FerActors", session.ModelMetadata.ProducerName);
        Assert.Equal(["logits", "embedding", "probabilities"], session.OutputNames);
        Assert.Equal([-1, 3, Config.ImageSize, Config.ImageSize], session.InputMetadata["pixels"].Dimensions);
        Assert.Equal("""["angry","disgust","fear","happy","sad","surprise","neutral"]""", said["labels"]);
        Assert.Equal(("small", "2", "1.7"), (said["name"], said["version"], said["temperature"]));
        Assert.Equal(("[0.5,0.5,0.5]", "[0.5,0.5,0.5]"), (said["image_mean"], said["image_std"]));
        Assert.Equal(1.0 / 255, double.Parse(said["rescale_factor"], System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(checkpoint.WeightsSha256, said["weights_sha256"]);
    }

    [Fact]
    public void A_file_with_other_answers_is_told_from_the_models_own()
    {
        using var folder = new ModelFolder(Config);
        using var checkpoint = VitCheckpoint.Load(folder.Path);
        using var other = Vit.Create(Config, 6);

        var seen = OnnxExport.Compare(checkpoint, OnnxVit.Export(other, ("spec", "1"), new Dictionary<string, string>()));

        Assert.Throws<InvalidOperationException>(() => seen.EnsureWithin(OnnxExport.Tolerance, "ONNX Runtime"));
    }

    [Fact]
    public void Where_the_answers_are_no_numbers_the_file_that_was_there_stays()
    {
        File.WriteAllText(_file, "the one before");
        using var folder = new ModelFolder(Config, classifierBias: float.NaN);

        var failure = Assert.Throws<InvalidOperationException>(() => OnnxExport.Write(folder.Path, _file));

        Assert.Contains("Nothing was exported", failure.Message, StringComparison.Ordinal);
        Assert.Equal("the one before", File.ReadAllText(_file));
        Assert.Single(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(_file)!));
    }

    private static VitConfig Network(string name) => name switch
    {
        "gray" => Config with { NumChannels = 1 },
        "group" => Config with { ConvStem = new ConvStemConfig([8, 16], 2) },
        "residual" => Config with { NumChannels = 1, ConvStem = new ConvStemConfig([8, 16], 3) { Norm = StemNorm.None, Residual = true } },
        "tanh" => Config with { HiddenAct = HiddenActivation.GeluTanh, QkvBias = false },
        "relu" => Config with { HiddenAct = HiddenActivation.Relu },
        _ => Config,
    };

    private static float[] Pixels(VitCheckpoint checkpoint, List<byte[]> faces)
    {
        var normalisation = new GrayNormalisation(checkpoint.Preprocessor);
        var image = normalisation.Channels * Config.ImageSize * Config.ImageSize;
        var pixels = new float[faces.Count * image];
        foreach (var (i, face) in faces.Index())
        {
            normalisation.Apply(face, pixels.AsSpan(i * image, image));
        }

        return pixels;
    }
}
