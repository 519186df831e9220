using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Shared.Drift;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Drift;

/// <summary>Published on the event stream for each image that was classified. What it refers to is never changed.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Faces">The faces, with their crops.</param>
/// <param name="Predictions">One for each face, in the same order.</param>
/// <param name="Aligned">The publisher cropped the face: no face was searched for.</param>
public sealed record FacesAnswered(
    ModelIdentity Model, IReadOnlyList<AnsweredFace> Faces, IReadOnlyList<FacePrediction> Predictions, bool Aligned);

/// <param name="Face">Where the face was found.</param>
/// <param name="Crop">What the model got.</param>
public readonly record struct AnsweredFace(DetectedFace Face, FaceCrop Crop);

/// <summary>Asks the drift monitor where it stands: answered by <see cref="DriftStatus"/>.</summary>
public sealed record GetDriftStatus
{
    private GetDriftStatus()
    {
    }

    public static GetDriftStatus Instance { get; } = new();
}

/// <param name="Level">The highest level of a signal.</param>
/// <param name="WeightsSha256">The weights that are watched; null where there is no reference.</param>
/// <param name="Problem">Why nothing is watched, as a sentence; null where something is.</param>
/// <param name="Samples">Faces compared since the start.</param>
/// <param name="Ignored">Faces of other weights, or that could not be measured.</param>
/// <param name="Signals">Where every signal stands; empty where nothing is watched.</param>
public sealed record DriftStatus(
    DriftLevel Level, string? WeightsSha256, string? Problem, long Samples, long Ignored, IReadOnlyList<SignalStatus> Signals);
