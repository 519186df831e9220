namespace FerActors.Shared.Labels;

/// <summary>Names of the expressions, and the spellings under which other people's checkpoints know them.</summary>
public static class ExpressionNames
{
    private static readonly Dictionary<string, Expression> Spellings = new(StringComparer.OrdinalIgnoreCase)
    {
        ["angry"] = Expression.Angry,
        ["anger"] = Expression.Angry,
        ["disgust"] = Expression.Disgust,
        ["disgusted"] = Expression.Disgust,
        ["fear"] = Expression.Fear,
        ["fearful"] = Expression.Fear,
        ["happy"] = Expression.Happy,
        ["happiness"] = Expression.Happy,
        ["sad"] = Expression.Sad,
        ["sadness"] = Expression.Sad,
        ["surprise"] = Expression.Surprise,
        ["surprised"] = Expression.Surprise,
        ["neutral"] = Expression.Neutral,
    };

    /// <summary>Number of classes: 7.</summary>
    public const int Count = 7;

    /// <summary>All expressions in FER2013 order, so that <c>All[i]</c> has the number <c>i</c>.</summary>
    public static IReadOnlyList<Expression> All { get; } = Enum.GetValues<Expression>();

    /// <summary>Finds the expression that a label of any known spelling means; the case is ignored.</summary>
    /// <returns><see langword="false"/> where the label means none of the seven.</returns>
    public static bool TryParse(string? label, out Expression expression)
    {
        expression = default;
        return label is not null && Spellings.TryGetValue(label.Trim(), out expression);
    }
}
