using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Decides at the start of a run whether bf16 computes the gradients that fp32 computes.</summary>
/// <remarks>
/// A maths library may have a kernel that is wrong on some processors and right on others (oneDNN's bf16 convolutions with AVX512-BF16
/// have been), and a run does not fail of that: it only learns less. One batch in both types costs a second and shows it.
/// </remarks>
internal static class ComputeTrial
{
    /// <summary>Largest error that is taken for rounding.</summary>
    /// <remarks>
    /// Measured with fresh weights of the presets: 0.05 to 0.09 where all is a product of matrices, 0.16 to 0.21 with a stem of six and
    /// nine convolutions in bf16, in its first norm: rounding adds up over the layers. Convolutions have a tighter trial of their own,
    /// each by itself (<c>HalfConvolutions</c>).
    /// </remarks>
    public const double Tolerance = 0.4;

    // The gradients of some tensors are zero but for rounding (a bias of the keys moves all scores of a row alike). Their errors are
    // measured against this share of the mean over all weights.
    private const double Floor = 0.1;

    /// <summary>The tensor whose gradients differ most: its name, and the root of the mean squared difference over that of the gradient.</summary>
    /// <param name="parameters">The layout of the gradients.</param>
    /// <param name="exact">Gradients computed in fp32, fp32 [n].</param>
    /// <param name="rounded">Gradients computed in bf16, fp32 [n].</param>
    public static (string Tensor, double Error) Worst(FlatParameters parameters, Tensor exact, Tensor rounded)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(exact);
        ArgumentNullException.ThrowIfNull(rounded);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var floor = Floor * Rms(exact);
        return parameters.Layout
            .Select(tensor =>
            {
                var expected = exact.narrow(0, tensor.Offset, tensor.Length);
                var difference = Rms(rounded.narrow(0, tensor.Offset, tensor.Length) - expected);
                var error = difference / Math.Max(Math.Max(Rms(expected), floor), double.Epsilon);
                return (tensor.Name, Error: double.IsNaN(error) ? double.PositiveInfinity : error);
            })
            .MaxBy(tensor => tensor.Error);
    }

    private static double Rms(Tensor values) => Math.Sqrt(values.square().mean().item<float>());
}
