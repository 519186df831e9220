using FerActors.Shared.Protocol;

namespace FerActors.Inference.Models;

/// <summary>
/// Attention rollout (Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020): each layer's attention, averaged
/// over its heads, is mixed half and half with the identity (the residual path), the layers are multiplied, and the class token's
/// row is read. It says where the network looked, not why it chose the class: it is the same map for all seven.
/// </summary>
internal static class AttentionRollout
{
    /// <param name="layers">For each layer the attention averaged over heads, tokens x tokens; token 0 is the class token.</param>
    /// <param name="grid">Patches on each side: tokens = grid * grid + 1.</param>
    public static AttentionMap Compute(IReadOnlyList<float[]> layers, int grid)
    {
        var tokens = (grid * grid) + 1;
        var row = new double[tokens];
        row[0] = 1;

        // Only the class token's row of the product is wanted: a vector times the matrices, from the last layer to the first.
        for (var layer = layers.Count - 1; layer >= 0; layer--)
        {
            var attention = layers[layer];
            var next = new double[tokens];
            for (var i = 0; i < tokens; i++)
            {
                next[i] += 0.5 * row[i];
                for (var j = 0; j < tokens; j++)
                {
                    next[j] += 0.5 * row[i] * attention[(i * tokens) + j];
                }
            }

            row = next;
        }

        var patches = row.Skip(1).ToArray();
        var sum = patches.Sum();
        return new AttentionMap(grid, grid, patches.Select(p => sum > 0 ? (float)(p / sum) : 1f / patches.Length).ToArray());
    }
}
