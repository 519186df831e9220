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
        var patches = ClassTokenRow.Compute(layers, (grid * grid) + 1, scale: 0.5);
        var sum = patches.Sum();
        return new AttentionMap(grid, grid, patches.Select(p => sum > 0 ? (float)(p / sum) : 1f / patches.Length).ToArray());
    }
}
