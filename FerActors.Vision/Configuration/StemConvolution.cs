namespace FerActors.Vision.Configuration;

/// <summary>One 3x3 convolution of a stem, with a padding of 1.</summary>
/// <param name="Stage">Its stage, from 0.</param>
/// <param name="Place">Its place within the stage, from 0.</param>
/// <param name="Inputs">Channels that it reads.</param>
/// <param name="Outputs">Channels that it makes.</param>
/// <param name="Stride">2 for the first of a stage, which halves the side; else 1.</param>
/// <param name="OpensBranch">What comes in here is also added to what the branch's last convolution makes.</param>
/// <param name="ClosesBranch">The branch ends here: the sum is taken after the norm, before ReLU.</param>
public readonly record struct StemConvolution(
    int Stage, int Place, int Inputs, int Outputs, int Stride, bool OpensBranch, bool ClosesBranch);
