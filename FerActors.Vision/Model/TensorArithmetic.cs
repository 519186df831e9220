using TorchSharp;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>Sums and multiples of tensors whose numbers live as long as the operation.</summary>
/// <remarks>
/// TorchSharp's operators make a <see cref="Scalar"/> of each number (and of the 1 by which the second tensor of a sum is multiplied), pass its handle to
/// libtorch and never look at it again, so that the garbage collector may free it while libtorch reads it. That ended a sweep's trial
/// within its first thousand or so steps with "Unknown scalar type", and may as well give a wrong number. What runs often uses these instead.
/// </remarks>
public static class TensorArithmetic
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        return a.add(b, One);
    }

    /// <summary>a * factor.</summary>
    public static Tensor Times(this Tensor a, double factor)
    {
        ArgumentNullException.ThrowIfNull(a);
        using var kept = factor.ToScalar();
        return a.mul(kept);
    }

    /// <summary>a += b, in its place.</summary>
    public static Tensor Add(this Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        return a.add_(b, One);
    }

    /// <summary>a += factor * b, in its place.</summary>
    public static Tensor Add(this Tensor a, Tensor b, double factor)
    {
        ArgumentNullException.ThrowIfNull(a);
        using var kept = factor.ToScalar();
        return a.add_(b, kept);
    }

    /// <summary>a += number, in its place.</summary>
    public static Tensor Add(this Tensor a, double number)
    {
        ArgumentNullException.ThrowIfNull(a);
        using var kept = number.ToScalar();
        return a.add_(kept, One);
    }

    /// <summary>a *= factor, in its place.</summary>
    public static Tensor Scale(this Tensor a, double factor)
    {
        ArgumentNullException.ThrowIfNull(a);
        using var kept = factor.ToScalar();
        return a.mul_(kept);
    }
}
