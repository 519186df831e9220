using FerActors.Shared.Registry;
using FerActors.Training.Evaluation;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Safetensors;

namespace FerActors.Training.Registration;

/// <summary>Loads a folder in Hugging Face's layout as a Vision Transformer and times it on this machine's processor.</summary>
public sealed class VitModelInspector : IModelInspector
{
    /// <summary>Milliseconds of one face; refuses a model that does not work.</summary>
    internal Func<Vit, double?> Measure { get; init; } = model => FaceTiming.Measure(model);

    public IReadOnlyList<string> RequiredFiles { get; } = [VitConfig.FileName, PreprocessorConfig.FileName, VitCheckpoint.WeightsFileName];

    public string WeightsFile => VitCheckpoint.WeightsFileName;

    public ModelInspection Inspect(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        try
        {
            using var checkpoint = VitCheckpoint.Load(folder);
            _ = LabelMap.Create(checkpoint.Model.Config.Labels);
            checkpoint.Preprocessor.EnsureFits(checkpoint.Model.Config);
            var ms = Measure(checkpoint.Model);
            var report = Path.Combine(folder, MetricsJson.FileName);
            return new ModelInspection(
                checkpoint.WeightsSha256, File.Exists(report) ? ManifestMetrics.Read(File.ReadAllBytes(report), ms) : null);
        }
        catch (Exception e) when (e is CheckpointException or VitConfigException or SafetensorsFormatException)
        {
            // Their messages name the folder of a copy, which is nothing to the asker.
            throw new ModelStoreException(
                RegistryCode.Invalid,
                $"The folder is no model that can serve: {e.Message.Replace(folder, "the folder", StringComparison.Ordinal)}",
                e);
        }
    }
}
