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
    public static double[] Compute(IReadOnlyList<float[]> layers, int tokens) => ClassTokenRow.Compute(layers, tokens, scale: 1);
}
