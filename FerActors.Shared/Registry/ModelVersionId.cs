using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace FerActors.Shared.Registry;

/// <summary>Names an immutable model version: 1 to 64 of <c>a-z 0-9 . _ -</c>, beginning with a letter or digit, without <c>..</c>.</summary>
/// <remarks>It is also the name of the version's folder; the rule keeps it inside the registry's root.</remarks>
public sealed partial record ModelVersionId
{
    private ModelVersionId(string value) => Value = value;

    public string Value { get; }

    /// <exception cref="FormatException">The text is no such name.</exception>
    public static ModelVersionId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException("A model version's name has 1 to 64 of a-z, 0-9, '.', '_' and '-', begins with a letter or digit, and has no '..'.");

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ModelVersionId? id)
    {
        id = text is not null && Pattern().IsMatch(text) && !text.Contains("..", StringComparison.Ordinal) ? new ModelVersionId(text) : null;
        return id is not null;
    }

    public override string ToString() => Value;

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
