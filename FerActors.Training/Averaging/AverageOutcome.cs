using FerActors.Training.Runs;

namespace FerActors.Training.Averaging;

/// <summary>What came of an average.</summary>
/// <param name="Members">The models that it was made of, in their order.</param>
/// <param name="Average">What was written.</param>
public sealed record AverageOutcome(IReadOnlyList<TrainingOutcome> Members, TrainingOutcome Average);
