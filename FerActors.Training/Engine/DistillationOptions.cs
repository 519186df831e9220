namespace FerActors.Training.Engine;

/// <summary>Learning from the outputs of other models (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015).</summary>
public sealed record DistillationOptions
{
    private const int MaxTeachers = 16;

    /// <summary>
    /// Model folders, or references such as <c>hub:org/name@revision</c>, at most 16; their probabilities are averaged. Empty for no
    /// distillation.
    /// </summary>
    public IReadOnlyList<string> Teachers { get; init; } = [];

    /// <summary>Share of the teachers in the loss, in [0, 1]; that of the labels is the rest.</summary>
    public double Alpha { get; init; } = 0.5;

    /// <summary>The logits of teachers and student are divided by it; above 0, at most 100.</summary>
    public double Temperature { get; init; } = 4;

    internal IEnumerable<string> Mistakes()
    {
        if (Teachers.Count > MaxTeachers || Teachers.Any(string.IsNullOrWhiteSpace))
        {
            yield return $"teachers has {Teachers.Count} entries; it may have up to {MaxTeachers}, none of them empty.";
        }

        if (Alpha is not (>= 0 and <= 1))
        {
            yield return $"alpha is {Alpha}; it must be from 0 to 1.";
        }

        if (Temperature is not (> 0 and <= 100))
        {
            yield return $"temperature is {Temperature}; it must be above 0 and at most 100.";
        }
    }
}
