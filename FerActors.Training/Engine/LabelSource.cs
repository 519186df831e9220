namespace FerActors.Training.Engine;

/// <summary>Who says what an image shows.</summary>
public static class LabelSource
{
    /// <summary>The data's own label, one an image.</summary>
    public const string Fer2013 = "fer2013";

    /// <summary>The shares of people's votes; the data's own label where an image has no usable votes.</summary>
    public const string Votes = "votes";

    /// <summary>Both, with the weight <see cref="TrainingOptions.VotesShare"/>.</summary>
    public const string Mixed = "mixed";

    public static IReadOnlyList<string> Names { get; } = [Fer2013, Votes, Mixed];

    /// <summary>Whether there have to be votes.</summary>
    public static bool NeedsVotes(string source) => source is Votes or Mixed;
}
