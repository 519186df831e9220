using System.Collections.Concurrent;
using FerActors.Vision.Configuration;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>Whether this machine's maths library computes a stem's convolutions right in bf16, where they take half the time of fp32.</summary>
/// <remarks>
/// With AVX512-BF16 oneDNN has given wrong sums, at times NaN, for most numbers of channels that are not multiples of 16 or 32,
/// forwards and backwards (PyTorch's issues 163347 and 169688; seen with libtorch 2.10 on one EPYC and not on the next). So bf16 is for
/// multiples of 32 only, and only after each kind of convolution of the stem has agreed with fp32 once on this machine.
/// </remarks>
internal static class HalfConvolutions
{
    /// <summary>Channels have to come in multiples of this, but for those of the image.</summary>
    public const int Granularity = 32;

    // bf16 has 8 bits of precision: sums of products differ by some 0.003 where all is well, and by 0.1 or more in the faults that were seen.
    private const float Tolerance = 0.02f;

    private static readonly ConcurrentDictionary<(long Inputs, long Outputs, long Stride), bool> Trials = [];

    /// <summary>Runs what has not been tried before.</summary>
    public static bool AreRightFor(VitConfig config)
    {
        if (config.ConvStem is not { } stem || stem.Channels.Any(channels => channels % Granularity != 0))
        {
            return false;
        }

        return stem.Convolutions(config.NumChannels).All(conv => Trials.GetOrAdd((conv.Inputs, conv.Outputs, conv.Stride), Agrees));
    }

    private static bool Agrees((long Inputs, long Outputs, long Stride) shape)
    {
        using var scope = NewDisposeScope();

        // The first pass that wants to know may be one of serving, which keeps no gradients.
        using var training = inference_mode(false);
        using var tracking = enable_grad();
        using var generator = new Generator(1);
        var pixels = randn([3, shape.Inputs, 12, 12], generator: generator);
        var weight = randn([shape.Outputs, shape.Inputs, 3, 3], generator: generator).Times(1.0 / 8);
        var gradient = randn([3, shape.Outputs, 12 / shape.Stride, 12 / shape.Stride], generator: generator);
        return Convolve(ScalarType.BFloat16).Zip(Convolve(ScalarType.Float32)).All(pair => Error(pair.First, pair.Second) <= Tolerance);

        // The sums and both gradients, fp32, from values that bf16 can hold.
        IEnumerable<Tensor> Convolve(ScalarType type)
        {
            var (x, w) = (Rounded(pixels, type).requires_grad_(), Rounded(weight, type).requires_grad_());
            var sums = nn.functional.conv2d(x, w, strides: [shape.Stride, shape.Stride], padding: [1, 1]);
            return autograd.grad([sums], [x, w], [Rounded(gradient, type)]).Append(sums).Select(t => t.detach().to(ScalarType.Float32));
        }
    }

    private static Tensor Rounded(Tensor values, ScalarType type) => values.to(ScalarType.BFloat16).to(type).detach();

    // A NaN is no number that is within the tolerance.
    private static float Error(Tensor actual, Tensor expected) => (actual - expected).norm().item<float>() / expected.norm().item<float>();
}
