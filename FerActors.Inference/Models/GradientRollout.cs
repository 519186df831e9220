using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Models;

/// <summary>
/// Relevance of the patches for one class (Chefer, Gur and Wolf, "Generic Attention-model Explainability", ICCV 2021, for an encoder
/// that attends to itself): each layer's attention is weighted by the gradient of the class's logit, cut at 0 and averaged over its
/// heads; with these A, R grows from the identity by R += A R from the first layer to the last, and the class token's row is read.
/// </summary>
internal static class GradientRollout
{
    /// <param name="layers">For each layer the weighted attention, tokens x tokens, at least 0; token 0 is the class token.</param>
    /// <param name="tokens">Tokens, the class token among them.</param>
    /// <returns>Relevance of each patch, row by row; not scaled.</returns>
    public static double[] Compute(IReadOnlyList<float[]> layers, int tokens)
    {
        var row = new double[tokens];
        row[0] = 1;

        // Only the class token's row of (I + A_last) ... (I + A_first) is wanted: a vector times the matrices, from the last on.
        for (var layer = layers.Count - 1; layer >= 0; layer--)
        {
            var next = (double[])row.Clone();
            for (var i = 0; i < tokens; i++)
            {
                if (row[i] == 0)
                {
                    continue;
                }

                for (var j = 0; j < tokens; j++)
                {
                    next[j] += row[i] * layers[layer][(i * tokens) + j];
                }
            }

            row = next;
        }

        return row[1..];
    }
}

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
