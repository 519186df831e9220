namespace FerActors.Training.Engine;

/// <summary>Learning from the outputs of other models (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015).</summary>
public sealed record DistillationOptions
{
    /// <summary>The picture that the student sees, at each step (Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent").</summary>
    public const string Augmented = "augmented";

    /// <summary>
    /// Each image as it is and its mirror image, once, before training: a step then costs what it does without teachers, and the labels become
    /// softer and their mistakes fewer.
    /// </summary>
    public const string Plain = "plain";

    private const int MaxTeachers = 16;

    public static IReadOnlyList<string> Views { get; } = [Augmented, Plain];

    /// <summary>
    /// Model folders, or references such as <c>hub:org/name@revision</c>, at most 16; their probabilities are averaged. Empty for no
    /// distillation.
    /// </summary>
    public IReadOnlyList<string> Teachers { get; init; } = [];

    /// <summary>What the teachers look at, one of <see cref="Views"/>.</summary>
    public string View { get; init; } = Augmented;

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

        if (!Views.Contains(View))
        {
            yield return $"view is '{View}'; it must be {string.Join(" or ", Views)}.";
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
