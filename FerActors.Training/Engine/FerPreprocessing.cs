using FerActors.Vision.Configuration;

namespace FerActors.Training.Engine;

/// <summary>The preprocessing of models that are trained here.</summary>
public static class FerPreprocessing
{
    /// <summary>Gray values to [-1, 1], like the checkpoints of the original Vision Transformer.</summary>
    public static PreprocessorConfig For(VitConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var half = Enumerable.Repeat(0.5, config.NumChannels).ToArray();
        return new PreprocessorConfig { Height = config.ImageSize, Width = config.ImageSize, ImageMean = half, ImageStd = half };
    }
}
