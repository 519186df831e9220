namespace FerActors.Training.Augmentation;

/// <summary>What random erasing leaves in its rectangle.</summary>
public enum ErasingFill
{
    /// <summary>The mean of the image.</summary>
    Mean = 0,

    /// <summary>Noise, uniform in [0, 1], a value a pixel.</summary>
    Noise = 1,
}
