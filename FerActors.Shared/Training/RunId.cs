using System.Diagnostics.CodeAnalysis;
using FerActors.Shared.Registry;

namespace FerActors.Shared.Training;

/// <summary>Names a training run, given by the client so that a repeated submit is recognised; also the name of the run's folder.</summary>
/// <remarks>The rule is that of <see cref="ModelVersionId"/>: it keeps the folder inside the runs' root.</remarks>
public sealed record RunId
{
    private RunId(string value) => Value = value;

    public string Value { get; }

    /// <exception cref="FormatException">The text is no such name.</exception>
    public static RunId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException(
            "A run's id has 1 to 64 of a-z, 0-9, '.', '_' and '-', begins with a letter or digit, and has no '..'.");

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out RunId? id)
    {
        id = ModelVersionId.TryParse(text, out var name) ? new RunId(name.Value) : null;
        return id is not null;
    }

    public override string ToString() => Value;
}
