using FerActors.Vision.Configuration;

namespace FerActors.Vision.Model;

/// <summary>Turns gray values into what a checkpoint expects, as its preprocessor_config.json says.</summary>
/// <remarks>
/// FerActors feeds gray crops. A model with one channel gets them as they are; one with three gets the same plane three times,
/// each with its own channel's mean and deviation.
/// </remarks>
public sealed class GrayNormalisation
{
    private readonly ChannelTransform[] _channels;

    /// <param name="config">The checkpoint's preprocessing.</param>
    public GrayNormalisation(PreprocessorConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _channels = config.ChannelTransforms();
    }

    /// <summary>The model's input channels, 1 or 3.</summary>
    public int Channels => _channels.Length;

    /// <summary>Normalises one-channel values in place.</summary>
    /// <param name="gray">Values in [0, 1].</param>
    public void Apply(Span<float> gray)
    {
        var (scale, offset) = (_channels[0].Scale * 255, _channels[0].Offset);
        for (var i = 0; i < gray.Length; i++)
        {
            gray[i] = (gray[i] * scale) + offset;
        }
    }

    /// <summary>Normalises one gray crop into all of the model's channels.</summary>
    /// <param name="gray">Bytes, side x side.</param>
    /// <param name="planes">Channels x side x side.</param>
    public void Apply(ReadOnlySpan<byte> gray, Span<float> planes)
    {
        for (var c = 0; c < Channels; c++)
        {
            var (scale, offset) = _channels[c];
            var plane = planes.Slice(c * gray.Length, gray.Length);
            for (var i = 0; i < gray.Length; i++)
            {
                plane[i] = (gray[i] * scale) + offset;
            }
        }
    }
}
