using FerActors.Vision.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>In which types a stem's convolutions and norms compute, where the rest computes in another.</summary>
/// <remarks>
/// On a CPU bf16 convolutions are taken only where they have been seen to be right (<see cref="HalfConvolutions"/>); else they are computed
/// in fp32. The norms sum in fp32 in any case, with weights in fp32: a CPU can mix the two, on another device the norms' input is fp32 too, as
/// PyTorch's automatic mixed precision has it for group norms.
/// </remarks>
internal sealed class StemPrecision(VitConfig config)
{
    private readonly Lazy<bool> _half = new(() => HalfConvolutions.AreRightFor(config));

    /// <summary>The same tensors, in the types of the convolutions and of the norms.</summary>
    public (WeightsInType Convolutions, WeightsInType Norms) Of(WeightsInType weights, DeviceType device)
    {
        var exact = weights.In(ScalarType.Float32);
        return (device == DeviceType.CPU && weights.DType == ScalarType.BFloat16 && !_half.Value ? exact : weights, exact);
    }

    /// <summary>The type that the norms are given.</summary>
    /// <param name="x">What the convolution made.</param>
    public static ScalarType NormInput(Tensor x) => x.device_type == DeviceType.CPU ? x.dtype : ScalarType.Float32;
}
