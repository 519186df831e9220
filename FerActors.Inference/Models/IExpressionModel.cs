using FerActors.Inference.Engines;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Models;

/// <summary>A model that serves. Used by one thread at a time.</summary>
public interface IExpressionModel : IDisposable
{
    ModelIdentity Identity { get; }

    /// <summary>Side of the square gray crops that it takes, in pixels.</summary>
    int InputSide { get; }

    /// <summary>What computes its forward passes; absent where the model does not say.</summary>
    EngineReport? Engines => null;

    /// <summary>Classifies a batch.</summary>
    /// <param name="crops">At least one crop, each side x side bytes.</param>
    /// <returns>One prediction for each crop, in the same order.</returns>
    /// <exception cref="ModelFailureException">The model gave values that are no probabilities.</exception>
    IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops);

    /// <summary>Classifies a batch behind which others wait: a model may spend more on a face while few do.</summary>
    /// <param name="crops">At least one crop, each side x side bytes.</param>
    /// <param name="waiting">Faces that wait behind the batch.</param>
    /// <inheritdoc cref="Predict(IReadOnlyList{FaceCrop})"/>
    IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops, int waiting) => Predict(crops);
}

/// <param name="Gray">Gray values, side x side, row by row.</param>
/// <param name="WantsAttention">The publisher asked for the attention map.</param>
public sealed record FaceCrop(byte[] Gray, bool WantsAttention = false)
{
    /// <summary>The explanation that the publisher asked for; absent where none is wanted.</summary>
    public ExplanationRequest? Explain { get; init; }
}

/// <param name="Probabilities">Seven calibrated probabilities in FER2013 order.</param>
/// <param name="Attention">On request.</param>
/// <param name="Explanation">On request.</param>
public sealed record FacePrediction(float[] Probabilities, AttentionMap? Attention = null, FaceExplanation? Explanation = null)
{
    /// <summary>The face's embedding, for the drift monitor; absent where a pass with attention made the prediction. It never leaves the node.</summary>
    public float[]? Embedding { get; init; }

    /// <summary>How the face was looked at, as <c>Model:TestTimeAugmentation</c> names it; absent where the model does not say.</summary>
    public string? Views { get; init; }
}

/// <summary>The model ran, but what it gave cannot be used.</summary>
public sealed class ModelFailureException(string message) : Exception(message);
