using FerActors.Vision.Configuration;

namespace FerActors.Vision.Model;

/// <summary>Turns gray values into what a checkpoint expects, as its preprocessor_config.json says.</summary>
/// <remarks>
/// FerActors feeds gray crops. A model with one channel gets them as they are; one with three gets the same plane three times,
/// each with its own channel's mean and deviation.
/// </remarks>
public sealed class GrayNormalisation
{
    private readonly float[] _scale;
    private readonly float[] _shift;

    /// <param name="config">The checkpoint's preprocessing.</param>
    /// <param name="channels">The model's input channels, 1 or 3.</param>
    public GrayNormalisation(PreprocessorConfig config, int channels)
    {
        ArgumentNullException.ThrowIfNull(config);
        Channels = channels;
        _scale = new float[channels];
        _shift = new float[channels];

        // Gray values in [0, 1] are bytes / 255; a checkpoint may rescale bytes by another factor, or not at all.
        var rescale = config.DoRescale ? 255 * config.RescaleFactor : 255;
        for (var c = 0; c < channels; c++)
        {
            var mean = config.DoNormalize ? config.ImageMean[Math.Min(c, config.ImageMean.Count - 1)] : 0;
            var deviation = config.DoNormalize ? config.ImageStd[Math.Min(c, config.ImageStd.Count - 1)] : 1;
            _scale[c] = (float)(rescale / deviation);
            _shift[c] = (float)(-mean / deviation);
        }
    }

    public int Channels { get; }

    /// <summary>Normalises one-channel values in place.</summary>
    /// <param name="gray">Values in [0, 1].</param>
    public void Apply(Span<float> gray)
    {
        var (scale, shift) = (_scale[0], _shift[0]);
        for (var i = 0; i < gray.Length; i++)
        {
            gray[i] = (gray[i] * scale) + shift;
        }
    }

    /// <summary>Normalises one gray crop into all of the model's channels.</summary>
    /// <param name="gray">Bytes, side x side.</param>
    /// <param name="planes">Channels x side x side.</param>
    public void Apply(ReadOnlySpan<byte> gray, Span<float> planes)
    {
        for (var c = 0; c < Channels; c++)
        {
            var (scale, shift) = (_scale[c] / 255, _shift[c]);
            var plane = planes.Slice(c * gray.Length, gray.Length);
            for (var i = 0; i < gray.Length; i++)
            {
                plane[i] = (gray[i] * scale) + shift;
            }
        }
    }
}
