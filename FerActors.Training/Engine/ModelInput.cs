using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>
/// Turns a batch of <see cref="BatchFeeder"/> into the input of one model, on the device: another side, more channels, another mean
/// and deviation.
/// </summary>
/// <remarks>
/// The batch is augmented and mixed at 48 x 48, where that is cheap, and holds one channel as channel 0 of the trained model sees it.
/// Both steps here are the same for all models that look at the batch, so a teacher sees the very picture that its student sees.
/// </remarks>
internal sealed class ModelInput : IDisposable
{
    private readonly long _side;
    private readonly long _channels;
    private readonly Tensor? _factor;
    private readonly Tensor? _offset;

    /// <param name="basis">Normalisation that the batch has.</param>
    /// <param name="target">Preprocessing of the model.</param>
    /// <param name="side">Side of the model's input in pixels.</param>
    /// <param name="device">Where the model is.</param>
    public ModelInput(ChannelTransform basis, PreprocessorConfig target, int side, Device device)
    {
        _side = side;
        var channels = target.ChannelTransforms();
        _channels = channels.Length;

        // pixel * s0 + o0 is known, pixel * sc + oc is wanted.
        var factors = channels.Select(c => c.Scale / basis.Scale).ToArray();
        var offsets = channels.Select((c, i) => c.Offset - (basis.Offset * factors[i])).ToArray();
        if (factors.Any(f => f != 1) || offsets.Any(o => o != 0))
        {
            _factor = tensor(factors, [1, _channels, 1, 1], device: device).DetachFromDisposeScope();
            _offset = tensor(offsets, [1, _channels, 1, 1], device: device).DetachFromDisposeScope();
        }
    }

    /// <summary>The model's input.</summary>
    /// <param name="pixels">fp32 [batch, 1, 48, 48].</param>
    /// <returns>fp32 [batch, channels, side, side].</returns>
    public Tensor From(Tensor pixels)
    {
        var sized = pixels.shape[2] == _side
            ? pixels
            : nn.functional.interpolate(pixels, [_side, _side], mode: InterpolationMode.Bilinear, align_corners: false);
        return _factor is null ? sized.expand(-1, _channels, -1, -1) : (sized * _factor).Plus(_offset!);
    }

    public void Dispose()
    {
        _factor?.Dispose();
        _offset?.Dispose();
    }
}
