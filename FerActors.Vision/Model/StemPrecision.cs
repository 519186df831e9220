using FerActors.Vision.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>In which types a stem's convolutions and norms compute, where the rest computes in another.</summary>
/// <remarks>
/// On a CPU bf16 convolutions are taken only where they have been seen to be right (<see cref="HalfConvolutions"/>); else they are computed
/// in fp32. The norms sum in fp32 in any case, with weights in fp32 where the processor can mix the two.
/// </remarks>
internal sealed class StemPrecision(VitConfig config)
{
    private readonly Lazy<bool> _half = new(() => HalfConvolutions.AreRightFor(config));

    /// <summary>The same tensors, in the types of the convolutions and of the norms.</summary>
    public (WeightsInType Convolutions, WeightsInType Norms) Of(WeightsInType weights, DeviceType device)
    {
        if (device != DeviceType.CPU)
        {
            return (weights, weights);
        }

        var exact = weights.In(ScalarType.Float32);
        return (weights.DType == ScalarType.BFloat16 && !_half.Value ? exact : weights, exact);
    }
}
