using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>Fresh weights; the same seed gives the same ones.</summary>
/// <remarks>
/// Matrices: normal with deviation 1 / sqrt(inputs) (LeCun et al. 1998), cut at two deviations; biases 0; norms 1 and 0; stem
/// convolutions: He et al. (2015); class token, position embeddings and classifier: <see cref="VitConfig.InitializerRange"/>.
/// Hugging Face takes that range for the matrices too. At 768 inputs the two hardly differ; at the 192 of a compact model it is
/// too little: overfitting one batch of 128 took 60 steps with it and 25 without, and from a whole data set nothing was learnt
/// in two epochs.
/// </remarks>
internal static class VitInitialisation
{
    /// <summary>Adds fresh fp32 tensors on the CPU to those that are there.</summary>
    /// <param name="config">The network.</param>
    /// <param name="tensors">Takes them by their names.</param>
    /// <param name="names">Which, in the order in which they are drawn.</param>
    /// <param name="seed">Of the draws.</param>
    public static void Fill(VitConfig config, Dictionary<string, Tensor> tensors, IEnumerable<string> names, long seed)
    {
        using var generator = new Generator((ulong)seed);
        using var noGrad = no_grad();
        var shapes = CheckpointKeys.ExpectedShapes(config);
        foreach (var name in names)
        {
            tensors[name] = Initialise(config, name, shapes[name], generator);
        }
    }

    private static Tensor Initialise(VitConfig config, string name, long[] shape, Generator generator)
    {
        if (name.EndsWith(".bias", StringComparison.Ordinal))
        {
            return zeros(shape);
        }

        if (name.Contains("norm", StringComparison.Ordinal))
        {
            return ones(shape);
        }

        if (name.Contains(".stem.", StringComparison.Ordinal))
        {
            var fanOut = shape[0] * shape[2] * shape[3];
            return randn(shape, generator: generator).mul_(Math.Sqrt(2.0 / fanOut));
        }

        // Clamping instead of drawing again: one value in twenty lies beyond two deviations, which lowers the deviation by a few per cent.
        var inputs = shape.Skip(1).Aggregate(1L, (product, length) => product * length);
        var deviation = IsMatrix(name) ? 1 / Math.Sqrt(inputs) : config.InitializerRange;
        return randn(shape, generator: generator).clamp_(-2, 2).mul_(deviation);
    }

    private static bool IsMatrix(string name) =>
        name.StartsWith("vit.encoder.", StringComparison.Ordinal) || name == CheckpointKeys.ProjectionWeight;
}
