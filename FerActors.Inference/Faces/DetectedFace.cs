using FerActors.Shared.Protocol;

namespace FerActors.Inference.Faces;

/// <summary>One face as a detector found it, in pixels of the upright picture.</summary>
/// <param name="Box">Where it is; it may reach beyond the picture's edge. Its centre lies inside.</param>
/// <param name="Landmarks">Five points, all finite; absent where the detector gives none (Haar).</param>
/// <param name="Score">The detector's confidence in [0, 1]; absent where it gives none (Haar).</param>
public sealed record DetectedFace(FaceBox Box, FaceLandmarks? Landmarks, double? Score);
