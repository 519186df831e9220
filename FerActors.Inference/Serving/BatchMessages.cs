using FerActors.Inference.Models;
using FerActors.Shared.Protocol;
using FerActors.Shared.Registry;

namespace FerActors.Inference.Serving;

/// <summary>One forward pass. Answered by one <see cref="BatchClassified"/> or <see cref="BatchFailed"/>.</summary>
/// <param name="Batch">Number of the batch.</param>
/// <param name="Crops">At least one face.</param>
/// <param name="Slot">Who is to answer it; the champion does where there is no canary any more. One batch is answered by one version.</param>
public sealed record RunBatch(long Batch, IReadOnlyList<FaceCrop> Crops, ModelSlot Slot = ModelSlot.Champion)
{
    /// <summary>Faces that wait behind this batch, of all slots.</summary>
    public int Waiting { get; init; }
}

public sealed record BatchClassified(long Batch, IReadOnlyList<FacePrediction> Predictions, ModelIdentity Model, double InferMs);

/// <param name="Batch">Number of the batch.</param>
/// <param name="Cause">What the model threw.</param>
public sealed record BatchFailed(long Batch, Exception Cause);
