using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Testing.Models;

/// <summary>Writes model folders of a few kilobytes that the product itself can load.</summary>
public static class SmallModel
{
    public static readonly VitConfig Config = new()
    {
        ImageSize = 8,
        PatchSize = 4,
        NumChannels = 1,
        HiddenSize = 8,
        NumHiddenLayers = 1,
        NumAttentionHeads = 2,
        IntermediateSize = 8,
        Labels = LabelMap.Fer2013Labels,
    };

    /// <summary>A folder of the model of a seed, with metrics: <paramref name="right"/> of 4 images right.</summary>
    public static string Write(string folder, int seed, int right = 3)
    {
        using var model = Vit.Create(Config, seed);
        VitCheckpoint.Save(folder, model, PreprocessorConfig.For(Config), half: false);
        var images = Enumerable.Range(0, 4).Select(i => (Expression.Happy, i < right ? Expression.Happy : Expression.Sad, 3f)).ToArray();
        var report = EvaluationReport.Create(Logits.Of(images), FerUsage.PublicTest, "da7a");
        File.WriteAllBytes(Path.Combine(folder, MetricsJson.FileName), MetricsJson.Serialize(report));
        File.WriteAllText(Path.Combine(folder, "README.md"), "A model.");
        return folder;
    }
}
