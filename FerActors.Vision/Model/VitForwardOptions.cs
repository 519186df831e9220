using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>How one forward pass computes.</summary>
/// <param name="ComputeType">Type of the matrix products; <see langword="null"/> is the type in which the weights are held.</param>
/// <param name="DropPath">
/// Stochastic depth (Huang et al. 2016): for a layer's number, the factor of each image's residual branches, [batch, 1, 1]:
/// 0 where the layer is skipped, 1 / (1 - rate) where it is not; <see langword="null"/> for a layer without it.
/// </param>
public sealed record VitForwardOptions(ScalarType? ComputeType, Func<int, Tensor?>? DropPath)
{
    /// <summary>Takes the statistics of a stem's batch normalisation.</summary>
    internal StemStatistics? StemStatistics { get; init; }

    /// <summary>
    /// Takes images of any side that is a multiple of the patches': the position embeddings are interpolated to its grid, as
    /// <see cref="Checkpoints.PositionEmbeddings"/> does, and gradients reach them. Without it another side than the configuration's is refused.
    /// </summary>
    public bool AnySide { get; init; }

    public static VitForwardOptions Serving { get; } = new(null, null);
}
