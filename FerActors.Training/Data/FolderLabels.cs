using FerActors.Shared.Labels;

namespace FerActors.Training.Data;

/// <summary>What the folders of the classes are called in a folder of images.</summary>
public static class FolderLabels
{
    /// <summary>By the expression's name, in any spelling that <see cref="ExpressionNames"/> knows.</summary>
    public const string Words = "names";

    /// <summary>By the numbers 1 to 7 of RAF-DB (Li and Deng, "Reliable Crowdsourcing and Deep Locality-Preserving Learning", 2017).</summary>
    public const string RafDb = "raf-db";

    // Number 1 first; RAF-DB's own order is not FER2013's.
    private static readonly Expression[] RafDbOrder =
    [
        Expression.Surprise, Expression.Fear, Expression.Disgust, Expression.Happy, Expression.Sad, Expression.Angry, Expression.Neutral,
    ];

    /// <summary>What can be asked for.</summary>
    public static IReadOnlyList<string> Names { get; } = [Words, RafDb];

    /// <summary>What is wrong with the value of an option, a sentence; <see langword="null"/> where it is one of <see cref="Names"/>.</summary>
    public static string? Mistake(string? asked) =>
        Names.Contains(asked) ? null : $"folder_labels is '{asked}'; it must be {string.Join(" or ", Names)}.";

    /// <summary>The expression of a folder, or why it has none.</summary>
    /// <param name="scheme">One of <see cref="Names"/>.</param>
    /// <param name="folder">The folder's name.</param>
    /// <param name="label">The expression.</param>
    /// <returns><see langword="null"/> where there is one.</returns>
    internal static string? Read(string scheme, string folder, out Expression label)
    {
        var number = folder is [>= '1' and <= '7'] ? folder[0] - '1' : -1;
        if (scheme == RafDb)
        {
            label = number < 0 ? default : RafDbOrder[number];
            return number < 0 ? "the folder is none of RAF-DB's 1 to 7" : null;
        }

        if (ExpressionNames.TryParse(folder, out label))
        {
            return null;
        }

        return number < 0
            ? "the folder names none of the seven expressions"
            : $"the folder names none of the seven expressions; if the data is RAF-DB, whose classes are numbered, say so with folder_labels {RafDb} (--folder-labels {RafDb})";
    }
}
