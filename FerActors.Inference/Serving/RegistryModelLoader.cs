using FerActors.Inference.Models;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>Loads versions from the registry's folder on this node.</summary>
/// <param name="root">The registry's folder.</param>
/// <param name="options">Device and precision; its path is not used.</param>
/// <param name="warmUpBatches">Batch sizes to run before the model is handed out.</param>
public sealed class RegistryModelLoader(string root, ModelOptions options, IReadOnlyList<int> warmUpBatches) : IModelLoader
{
    public IExpressionModel Load(ModelPointer model, Action<ModelPhase> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(progress);
        progress(ModelPhase.Verifying);
        var folder = ModelFolderCheck.Verify(root, model, cancellation);
        progress(ModelPhase.Loading);
        var loaded = VitExpressionModel.LoadCold(options with { Path = folder }, warmUpBatches.DefaultIfEmpty(1).Max(), model.Version.Value);
        try
        {
            // The file may have been replaced since it was verified; what was loaded has a digest of its own.
            if (loaded.Identity.WeightsSha256 != model.WeightsSha256)
            {
                throw new ModelVerificationException($"The weights of version {model.Version} changed while they were loaded.");
            }

            progress(ModelPhase.Warming);
            foreach (var size in warmUpBatches)
            {
                cancellation.ThrowIfCancellationRequested();
                loaded.WarmUp(size);
            }

            return loaded;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }
}
