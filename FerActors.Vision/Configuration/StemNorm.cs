namespace FerActors.Vision.Configuration;

/// <summary>What follows each convolution of a stem, before ReLU.</summary>
public enum StemNorm
{
    /// <summary>Group normalisation (Wu and He 2018), the same in training and in serving.</summary>
    Group = 0,

    /// <summary>
    /// Batch normalisation (Ioffe and Szegedy 2015) with the statistics of the batch at hand: in training only. A model folder never
    /// has it, since the answer for one face must not depend on the others of its batch: the finished model is folded to
    /// <see cref="None"/> (<see cref="Model.StemFolding"/>).
    /// </summary>
    Batch = 1,

    /// <summary>Nothing: what a norm did is part of the convolution's weights.</summary>
    None = 2,
}
