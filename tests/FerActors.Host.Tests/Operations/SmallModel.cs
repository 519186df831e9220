using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;

namespace FerActors.Host.Tests.Operations;

/// <summary>Writes model folders of a few kilobytes that the product itself can load.</summary>
internal static class SmallModel
{
    private static readonly VitConfig Config = new()
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

    /// <summary>A folder of the model of a seed, with metrics: so many of 4 images right.</summary>
    public static string Write(string folder, int seed, int right)
    {
        using var model = Vit.Create(Config, seed);
        VitCheckpoint.Save(folder, model, PreprocessorConfig.For(Config), half: false);
        var logits = Enumerable.Range(0, 4).Select(i =>
        {
            var row = new float[7];
            row[(int)(i < right ? Expression.Happy : Expression.Sad)] = 3;
            return row;
        });
        var predictions = Predictions.FromRows([.. logits], [.. Enumerable.Repeat(Expression.Happy, 4)]);
        File.WriteAllBytes(
            Path.Combine(folder, MetricsJson.FileName),
            MetricsJson.Serialize(EvaluationReport.Create(predictions, FerUsage.PublicTest, "da7a")));
        return folder;
    }
}
