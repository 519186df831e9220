using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Models;

/// <summary>Brings relevance into the form of a result.</summary>
internal static class ExplanationGrid
{
    private const int Digits = 4;

    /// <param name="method">How it was made.</param>
    /// <param name="label">The expression that is explained.</param>
    /// <param name="relevance">At least 0, side x side values, row by row.</param>
    /// <param name="side">Patches on each side.</param>
    public static FaceExplanation Of(ExplanationMethod method, Expression? label, IReadOnlyList<double> relevance, int side)
    {
        var most = relevance.Max();
        IReadOnlyList<float> Row(int y) =>
            [.. Enumerable.Range(0, side).Select(x => most > 0 ? (float)Math.Round(relevance[(y * side) + x] / most, Digits) : 0f)];

        return new FaceExplanation(method == ExplanationMethod.Rollout ? "rollout" : "gradient", label, [.. Enumerable.Range(0, side).Select(Row)]);
    }
}
