using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>From pixels to tokens: patches (or what the stem makes of them), the class token before them, positions added.</summary>
internal sealed class TokenEmbedding(VitConfig config)
{
    private readonly ConvStem? _stem = config.ConvStem is { } stem ? new ConvStem(config, stem) : null;

    /// <returns>[batch, tokens, width].</returns>
    public Tensor Forward(WeightsInType weights, Tensor pixels, StemStatistics? statistics)
    {
        var batch = pixels.shape[0];
        var x = _stem is null ? pixels.to(weights.DType) : _stem.Forward(weights, pixels, statistics);
        x = nn.functional.linear(
            Patches(x, _stem is null ? config.PatchSize : 1),
            weights[CheckpointKeys.ProjectionWeight].flatten(1),
            weights[CheckpointKeys.ProjectionBias]);
        var cls = weights[CheckpointKeys.ClsToken].expand(batch, -1, -1);
        return cat([cls, x], dim: 1).Plus(Positions(weights, pixels.shape[2] / config.PatchSize));
    }

    private Tensor Positions(WeightsInType weights, long grid)
    {
        if (grid == config.GridSize)
        {
            return weights[CheckpointKeys.Positions];
        }

        // In fp32: a few hundred values, whose cubic weights bf16 would spoil.
        var own = config.GridSize;
        var positions = weights.In(ScalarType.Float32)[CheckpointKeys.Positions];
        var cells = positions.narrow(1, 1, (long)own * own).transpose(1, 2).reshape(1, config.HiddenSize, own, own);
        var resized = nn.functional.interpolate(cells, [grid, grid], mode: InterpolationMode.Bicubic, align_corners: false);
        return cat([positions.narrow(1, 0, 1), resized.flatten(2).transpose(1, 2)], dim: 1).to(weights.DType);
    }

    // A convolution whose stride is its kernel sees every value once: it is a product of matrices, and written as one it is twice as
    // fast (and right, see CpuConvolution). For a side of 1 the reshaped tensor would be a transposed view, of which the same library's
    // bf16 products are wrong too: hence the copy.
    private static Tensor Patches(Tensor x, long side)
    {
        var (batch, channels, rows, columns) = (x.shape[0], x.shape[1], x.shape[2] / side, x.shape[3] / side);
        return x.reshape(batch, channels, rows, side, columns, side)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(batch, rows * columns, channels * side * side)
            .contiguous();
    }
}
