using FerActors.Shared.Options;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Inference.Tests.Models;

/// <summary>A folder with a small model of random weights, far enough from zero that its classes differ.</summary>
internal sealed class ModelFolder : IDisposable
{
    public static readonly VitConfig Config = new()
    {
        ImageSize = 16,
        PatchSize = 4,
        HiddenSize = 16,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 24,
        InitializerRange = 0.3,
        Labels = LabelMap.Fer2013Labels,
    };

    public ModelFolder(VitConfig? config = null, float? classifierBias = null)
    {
        using var model = Vit.Create(config ?? Config, 5);
        using var noGrad = no_grad();
        if (classifierBias is { } value)
        {
            model.Tensors["classifier.bias"].fill_(value);
        }

        VitCheckpoint.Save(Path, model, PreprocessorConfig.For(model.Config), half: false);
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("fer-model-").FullName;

    /// <summary>libtorch alone, in this precision, and nothing kept for the next start.</summary>
    public ModelOptions Options(string precision = "fp32") =>
        new() { Path = Path, Engine = ModelOptions.LibTorch, Precision = precision, ParityTolerance = 1, EngineCache = "" };

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
