namespace FerActors.Inference.Models;

/// <summary>What flows into the class token through all layers, the residual paths included.</summary>
internal static class ClassTokenRow
{
    /// <summary>The class token's row of (s (I + A_last)) ... (s (I + A_first)), without the class token's own value.</summary>
    /// <remarks>One row only, so a vector times the matrices from the last layer to the first, not the matrices themselves.</remarks>
    /// <param name="layers">For each layer the matrix A, tokens x tokens; token 0 is the class token.</param>
    /// <param name="tokens">Tokens, the class token among them.</param>
    /// <param name="scale">The factor s.</param>
    /// <returns>A value for each patch, row by row.</returns>
    public static double[] Compute(IReadOnlyList<float[]> layers, int tokens, double scale)
    {
        var row = new double[tokens];
        row[0] = 1;
        for (var layer = layers.Count - 1; layer >= 0; layer--)
        {
            var next = new double[tokens];
            for (var i = 0; i < tokens; i++)
            {
                var value = scale * row[i];
                next[i] += value;
                for (var j = 0; j < tokens; j++)
                {
                    next[j] += value * layers[layer][(i * tokens) + j];
                }
            }

            row = next;
        }

        return row[1..];
    }
}
