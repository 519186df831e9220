namespace FerActors.Training.Augmentation;

/// <summary>What a run draws random numbers for. The numbers enter the streams: changing one changes every run.</summary>
public enum RandomPurpose
{
    /// <summary>The order of an epoch.</summary>
    Order = 1,

    /// <summary>The augmentation of one sample.</summary>
    Augmentation = 2,

    /// <summary>Mixup and CutMix of one batch.</summary>
    Mixing = 3,

    /// <summary>Dropout and other noise inside the network.</summary>
    Network = 4,

    /// <summary>Initial weights.</summary>
    Weights = 5,

    /// <summary>Draws of an evaluation's bootstrap; no run depends on it.</summary>
    Bootstrap = 6,

    /// <summary>The training images that are held out to judge the model.</summary>
    HoldOut = 7,
}
