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
    public IReadOnlyList<IExpressionModel> Load(
        ModelPointer model, IReadOnlyList<string> devices, Action<ModelPhase> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(progress);
        progress(ModelPhase.Verifying);
        var folder = ModelFolderCheck.Verify(root, model, cancellation);
        progress(ModelPhase.Loading);
        return ModelInstances.Load(options with { Path = folder }, devices, warmUpBatches, model.Version.Value, loaded =>
        {
            cancellation.ThrowIfCancellationRequested();

            // The file may have been replaced since it was verified; what was loaded has a digest of its own.
            if (loaded.Identity.WeightsSha256 != model.WeightsSha256)
            {
                throw new ModelVerificationException($"The weights of version {model.Version} changed while they were loaded.");
            }

            progress(ModelPhase.Warming);
        });
    }
}
