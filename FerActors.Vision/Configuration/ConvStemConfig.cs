namespace FerActors.Vision.Configuration;

/// <summary>
/// The convolutional stem of the <c>fer_vit_conv</c> variant, in the place of the one large patch convolution
/// (Xiao et al. 2021, "Early Convolutions Help Transformers See Better").
/// </summary>
/// <remarks>
/// Each stage has <paramref name="ConvsPerStage"/> convolutions of 3x3, each followed by a norm, and halves the side once, so the
/// patch size is 2 to the number of stages. A 1x1 convolution then projects the last stage's channels to the hidden size.
/// </remarks>
/// <param name="Channels">Output channels of each stage; 1 to 6 stages of 1 to 4096 channels.</param>
/// <param name="ConvsPerStage">Convolutions in a stage, 1 to 8.</param>
public sealed record ConvStemConfig(IReadOnlyList<int> Channels, int ConvsPerStage)
{
    public const int MaxStages = 6;
    public const int MaxChannels = 4096;
    public const int MaxConvsPerStage = 8;

    /// <summary>Side of the square of pixels that becomes one token: 2 to the number of stages.</summary>
    public int PatchSize => 1 << Channels.Count;
}
