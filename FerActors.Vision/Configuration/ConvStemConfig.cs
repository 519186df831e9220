namespace FerActors.Vision.Configuration;

/// <summary>
/// The convolutional stem of the <c>fer_vit_conv</c> variant, in the place of the one large patch convolution
/// (Xiao et al. 2021, "Early Convolutions Help Transformers See Better").
/// </summary>
/// <remarks>
/// Each stage has <paramref name="ConvsPerStage"/> convolutions of 3x3, each followed by a norm and ReLU, and halves the side once, so
/// the patch size is 2 to the number of stages. A 1x1 convolution then projects the last stage's channels to the hidden size.
/// </remarks>
/// <param name="Channels">Output channels of each stage; 1 to 6 stages of 1 to 4096 channels.</param>
/// <param name="ConvsPerStage">Convolutions in a stage, 1 to 8.</param>
public sealed record ConvStemConfig(IReadOnlyList<int> Channels, int ConvsPerStage)
{
    public const int MaxStages = 6;
    public const int MaxChannels = 4096;
    public const int MaxConvsPerStage = 8;

    /// <summary>What follows each convolution.</summary>
    public StemNorm Norm { get; init; } = StemNorm.Group;

    /// <summary>
    /// Whether a stage's convolutions after its first come in pairs around which the signal also passes unchanged (He et al. 2016, "Deep
    /// Residual Learning for Image Recognition"); <see cref="ConvsPerStage"/> is odd then.
    /// </summary>
    public bool Residual { get; init; }

    /// <summary>Whether the convolutions have biases. Batch normalisation takes each channel's mean away, and a bias with it.</summary>
    public bool HasBiases => Norm != StemNorm.Batch;

    /// <summary>Side of the square of pixels that becomes one token: 2 to the number of stages.</summary>
    public int PatchSize => 1 << Channels.Count;

    /// <summary>All convolutions in the order of computation.</summary>
    /// <param name="imageChannels">Channels of the image.</param>
    public IEnumerable<StemConvolution> Convolutions(int imageChannels)
    {
        var inputs = imageChannels;
        for (var stage = 0; stage < Channels.Count; stage++)
        {
            for (var place = 0; place < ConvsPerStage; place++)
            {
                yield return new StemConvolution(
                    stage,
                    place,
                    inputs,
                    Channels[stage],
                    Stride: place == 0 ? 2 : 1,
                    OpensBranch: Residual && place % 2 == 1,
                    ClosesBranch: Residual && place > 0 && place % 2 == 0);
                inputs = Channels[stage];
            }
        }
    }
}
