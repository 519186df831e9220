using System.Text.Json;
using FerActors.Testing.Processes;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Export;
using FerActors.Vision.Model;
using FerActors.Vision.Safetensors;
using static TorchSharp.torch;

namespace FerActors.Vision.Tests.Export;

public sealed class TransformersExportSpecs : IDisposable
{
    private static readonly VitConfig Plain = new()
    {
        ImageSize = 16,
        PatchSize = 4,
        NumChannels = 1,
        HiddenSize = 16,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 24,
        InitializerRange = 0.3,
        Labels = LabelMap.Fer2013Labels,
        FerActors = new FerActorsSection(Temperature: 1.7, Name: "small", Version: "2"),
    };

    private readonly string _root = Directory.CreateTempSubdirectory("fer-export-").FullName;

    public static TheoryData<string> Stems => ["group", "folded", "residual", "tanh", "colour"];

    private string Source => Path.Combine(_root, "source");

    private string Target => Path.Combine(_root, "exported_model");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [SkippableTheory]
    [MemberData(nameof(Stems))]
    public void A_model_with_a_stem_answers_in_Python_as_it_does_here(string stem)
    {
        var config = WithStem(stem);
        Save(config);

        TransformersExport.Write(Source, Target);

        var faces = DrawnFaces.Of(config.ImageSize);
        var python = PythonAnswers.Of(Target, faces, config.ImageSize);
        using var here = VitCheckpoint.Load(Source);
        var expected = ExportAnswers.Of(here, faces).Probabilities;
        var actual = python.Probabilities.SelectMany(row => row).ToArray();
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.True(expected.Chunk(7).Select(row => row[0]).Distinct().Count() > 1, "All faces have the same answer, so nothing was compared.");
        Assert.Equal(config.NumHiddenLayers, python.Layers);
        Assert.Equal(expected.Chunk(7).Average(row => -Math.Log(row[0])), python.Loss, 1e-3);
    }

    [SkippableFact]
    public void The_shipped_model_answers_in_Python_as_it_does_here()
    {
        var shipped = Path.Combine(Surroundings.Root, "models", "fer-vit-compact-plus");

        TransformersExport.Write(shipped, Target);

        using var here = VitCheckpoint.Load(shipped);
        var faces = DrawnFaces.Of(here.Model.Config.ImageSize);
        var expected = ExportAnswers.Of(here, faces).Probabilities;
        var python = PythonAnswers.Of(Target, faces, here.Model.Config.ImageSize);
        Assert.All(expected.Zip(python.Probabilities.SelectMany(row => row)), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.True(expected.Chunk(7).Select(row => row.IndexOf(row.Max())).Distinct().Count() > 1, "All drawn faces have the same expression.");
    }

    [Fact]
    public void A_folder_with_a_stem_names_the_code_that_it_brings()
    {
        Save(WithStem("group"));

        TransformersExport.Write(Source, Target);

        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Target, VitConfig.FileName)));
        Assert.Equal("FerViTForImageClassification", config.RootElement.GetProperty("architectures")[0].GetString());
        foreach (var reference in config.RootElement.GetProperty("auto_map").EnumerateObject().Select(entry => entry.Value.GetString()!.Split('.')))
        {
            Assert.Contains($"class {reference[1]}(", File.ReadAllText(Path.Combine(Target, reference[0] + ".py")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_plain_model_leaves_without_code_under_Hugging_Faces_own_class()
    {
        Save(Plain);

        TransformersExport.Write(Source, Target);

        Assert.Empty(Directory.EnumerateFiles(Target, "*.py"));
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Target, VitConfig.FileName)));
        Assert.Equal("vit", config.RootElement.GetProperty("model_type").GetString());
        Assert.Equal("ViTForImageClassification", config.RootElement.GetProperty("architectures")[0].GetString());
        Assert.False(config.RootElement.TryGetProperty("auto_map", out _));
        using var weights = SafetensorsFile.Open(Path.Combine(Target, VitCheckpoint.WeightsFileName));
        Assert.Equal(CheckpointKeys.ExpectedShapes(Plain).Keys.Order(), weights.Tensors.Keys.Order());
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("residual")]
    public void A_network_of_gray_sees_of_a_coloured_picture_its_luma(string kind)
    {
        var config = kind == "plain" ? Plain : WithStem(kind);
        Save(config);

        TransformersExport.Write(Source, Target);

        using var gray = VitCheckpoint.Load(Source);
        using var coloured = VitCheckpoint.Load(Target);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var picture = rand([3, 3, config.ImageSize, config.ImageSize], generator: new Generator(3));
        var luma = (picture * tensor(new[] { 0.299f, 0.587f, 0.114f }, [1, 3, 1, 1])).sum(1, keepdim: true);
        var expected = gray.Model.Forward((luma - 0.5) / 0.5) / 1.7;
        var actual = coloured.Model.Forward((picture - 0.5) / 0.5);
        Assert.True(actual.allclose(expected, rtol: 1e-4, atol: 1e-4));
        Assert.Equal([0.5, 0.5, 0.5], coloured.Preprocessor.ImageMean);
    }

    [Fact]
    public void The_folder_keeps_the_models_card_and_says_how_it_is_used()
    {
        Save(WithStem("group"));
        File.WriteAllText(Path.Combine(Source, "README.md"), "# A card\n");

        TransformersExport.Write(Source, Target);

        var card = File.ReadAllText(Path.Combine(Target, "README.md"));
        using var here = VitCheckpoint.Load(Source);
        Assert.StartsWith("# A card\n\n## Use with transformers\n", card, StringComparison.Ordinal);
        Assert.Contains("trust_remote_code=True", card, StringComparison.Ordinal);
        Assert.Contains(here.WeightsSha256, card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_something_in_it_is_left_alone()
    {
        Save(Plain);
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "mine"), "");

        var refusal = Assert.Throws<CheckpointException>(() => TransformersExport.Write(Source, Target));

        Assert.Contains("has something in it already", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(["mine"], Directory.EnumerateFileSystemEntries(Target).Select(Path.GetFileName));
    }

    [Fact]
    public void Answers_that_are_no_numbers_leave_nothing_behind()
    {
        Save(Plain, model => model.Tensors[CheckpointKeys.ClassifierBias].fill_(float.NaN));

        var failure = Assert.Throws<InvalidOperationException>(() => TransformersExport.Write(Source, Target));

        Assert.Contains("differ from libtorch's", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["source"], Directory.EnumerateFileSystemEntries(_root).Select(Path.GetFileName));
    }

    [Fact]
    public void Another_models_answers_are_told_from_the_models_own()
    {
        Save(Plain);
        TransformersExport.Write(Source, Target);
        using var other = Vit.Create(Plain, 6);

        var seen = TransformersExport.Compare(new VitCheckpoint(other, PreprocessorConfig.For(Plain), "", FreshClassifier: false), Target);

        Assert.True(seen.ProbabilityDifference > TransformersExport.Tolerance);
    }

    private static VitConfig WithStem(string kind)
    {
        var stem = new ConvStemConfig([8, 16], 1);
        return kind switch
        {
            "group" => Plain with { ConvStem = stem with { ConvsPerStage = 2 } },
            "folded" => Plain with { ConvStem = stem with { Norm = StemNorm.None } },
            "residual" => Plain with { ConvStem = stem with { ConvsPerStage = 3, Norm = StemNorm.None, Residual = true } },
            "tanh" => Plain with { ConvStem = stem, HiddenAct = HiddenActivation.GeluTanh, QkvBias = false, LayerNormEps = 1e-3 },
            _ => Plain with { ConvStem = stem, HiddenAct = HiddenActivation.Relu, NumChannels = 3 },
        };
    }

    private void Save(VitConfig config, Action<Vit>? change = null)
    {
        using var model = Vit.Create(config, 5);
        using var noGrad = no_grad();
        change?.Invoke(model);
        VitCheckpoint.Save(Source, model, PreprocessorConfig.For(config), half: false);
    }
}
