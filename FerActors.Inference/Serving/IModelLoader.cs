using FerActors.Inference.Models;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>Brings a version into memory, beside the one that serves.</summary>
public interface IModelLoader
{
    /// <summary>Verifies, loads and warms a version up. Called on a native thread.</summary>
    /// <param name="model">The version and what its files must be.</param>
    /// <param name="devices">The device of each instance; at least one.</param>
    /// <param name="progress">Told at the beginning of each phase.</param>
    /// <param name="cancellation">The version is not wanted any more; looked at between phases.</param>
    /// <returns>A model for each instance; those on one device may share their weights.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="Exception">The version cannot serve; the message says why.</exception>
    IReadOnlyList<IExpressionModel> Load(ModelPointer model, IReadOnlyList<string> devices, Action<ModelPhase> progress, CancellationToken cancellation);
}

/// <summary>A version's folder is not what the registry says it is.</summary>
public sealed class ModelVerificationException(string message) : Exception(message);
