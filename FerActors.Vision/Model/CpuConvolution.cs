using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>3x3 convolutions that are right on every processor.</summary>
/// <remarks>
/// libtorch's maths library computes a bf16 convolution wrong on some CPUs where it makes a number of channels that is no multiple of 16, or takes
/// such a number above 16 (<see cref="HalfConvolutions"/>): it then gets some more, of zeros.
/// </remarks>
internal static class CpuConvolution
{
    private const long SafeChannels = 16;

    /// <param name="x">[batch, inputs, rows, columns].</param>
    /// <param name="weight">[outputs, inputs, 3, 3].</param>
    /// <param name="bias">[outputs], or <see langword="null"/>.</param>
    /// <param name="stride">1 or 2.</param>
    /// <returns>[batch, outputs, rows / stride, columns / stride].</returns>
    public static Tensor Of(Tensor x, Tensor weight, Tensor? bias, long stride)
    {
        var (channels, inputs) = (weight.shape[0], weight.shape[1]);
        if (x.device_type == TorchSharp.DeviceType.CPU && (Missing(channels) > 0 || (inputs > SafeChannels && Missing(inputs) > 0)))
        {
            var more = inputs > SafeChannels ? Missing(inputs) : 0;
            weight = nn.functional.pad(weight, [0, 0, 0, 0, 0, more, 0, Missing(channels)]);
            bias = bias is null ? null : nn.functional.pad(bias, [0, Missing(channels)]);
            x = nn.functional.pad(x, [0, 0, 0, 0, 0, more]);
        }

        return nn.functional.conv2d(x, weight, bias, strides: [stride, stride], padding: [1, 1]).narrow(1, 0, channels).contiguous();
    }

    private static long Missing(long channels) => (SafeChannels - (channels % SafeChannels)) % SafeChannels;
}
