using FerActors.Inference.Models;
using FerActors.Inference.Serving;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Pipeline;

/// <summary>Asks for the classification of an image's faces. Answered by one <see cref="FacesClassified"/> or <see cref="FacesRefused"/>.</summary>
/// <param name="Key">The delivery.</param>
/// <param name="Crops">At least one face.</param>
/// <param name="Alone">No other image may share a batch with it.</param>
/// <param name="Draw">The message's <see cref="MessageDraw"/>: below the canary's share, the canary answers it.</param>
public sealed record ClassifyFaces(DeliveryKey Key, IReadOnlyList<FaceCrop> Crops, bool Alone, double Draw = 1);

/// <param name="Key">The delivery.</param>
/// <param name="Predictions">One for each face, in the order of the request.</param>
/// <param name="Model">The model that made all of them.</param>
/// <param name="QueueMs">How long the face that waited longest waited.</param>
/// <param name="InferMs">The forward passes that held the image's faces; the longest where there were several.</param>
public sealed record FacesClassified(
    DeliveryKey Key, IReadOnlyList<FacePrediction> Predictions, ModelIdentity Model, double QueueMs, double InferMs);

/// <param name="Key">The delivery.</param>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">A sentence for the publisher.</param>
public sealed record FacesRefused(DeliveryKey Key, string Code, string Message);

/// <summary>Asks the batching actor for its <see cref="BatchingStatistics"/>.</summary>
public sealed record GetBatchingStatistics
{
    private GetBatchingStatistics()
    {
    }

    public static GetBatchingStatistics Instance { get; } = new();
}

/// <summary>Counts since the start.</summary>
/// <param name="Faces">Faces classified.</param>
/// <param name="Batches">Forward passes.</param>
/// <param name="BatchSizes">How many forward passes had each size.</param>
/// <param name="Refused">Images refused.</param>
/// <param name="Waiting">Faces that wait now.</param>
/// <param name="RunningFor">Time since the model got the batch that it works on; absent where it has none.</param>
public sealed record BatchingStatistics(
    long Faces, long Batches, IReadOnlyDictionary<int, long> BatchSizes, long Refused, int Waiting, TimeSpan? RunningFor = null);
