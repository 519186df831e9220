namespace FerActors.Training.Evaluation;

/// <summary>The images whose confidence falls in one bin: a point of a reliability diagram.</summary>
/// <param name="Low">The bin's lower bound, which does not belong to it.</param>
/// <param name="High">The bin's upper bound, which does.</param>
/// <param name="Count">Images in the bin.</param>
/// <param name="MeanConfidence">Their mean confidence; null where the bin is empty.</param>
/// <param name="Accuracy">Share of them that is right; null where the bin is empty.</param>
public sealed record ReliabilityBin(double Low, double High, int Count, double? MeanConfidence, double? Accuracy);
