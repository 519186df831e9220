using FerActors.Vision.Configuration;

namespace FerActors.Training.Engine;

/// <summary>The architectures that can be trained from scratch by name. Input: gray, 48 x 48.</summary>
public static class ModelPresets
{
    /// <summary>Convolutional stem to 6 x 6 tokens, then a small transformer: the better model for the price, and what is shipped.</summary>
    public const string Conv = "conv";

    /// <summary>A wider and deeper stem before four layers: a convolutional network's eye with attention on top. About 1.2 times the time.</summary>
    public const string Hybrid = "hybrid";

    /// <summary><see cref="Hybrid"/> with residual pairs and batch normalisation in the stem, which is folded away when training ends.</summary>
    public const string Residual = "residual";

    /// <summary>The plain Vision Transformer with patches of 6 x 6 pixels; Hugging Face's own class loads it.</summary>
    public const string Patch = "patch";

    /// <summary>A very small convolutional one for tests and first tries: seconds instead of an hour.</summary>
    public const string Tiny = "tiny";

    public static IReadOnlyList<string> Names { get; } = [Conv, Hybrid, Residual, Patch, Tiny];

    /// <exception cref="ArgumentException">There is no such preset.</exception>
    public static VitConfig Get(string name) => name switch
    {
        Conv => Base with
        {
            PatchSize = 8,
            HiddenSize = 192,
            NumHiddenLayers = 5,
            NumAttentionHeads = 6,
            IntermediateSize = 384,
            ConvStem = new ConvStemConfig([32, 64, 128], 2),
        },
        Hybrid => Convolutional(new ConvStemConfig([64, 128, 256], 3)),
        Residual => Convolutional(new ConvStemConfig([64, 128, 256], 3) { Norm = StemNorm.Batch, Residual = true }),
        Patch => Base with { PatchSize = 6, HiddenSize = 192, NumHiddenLayers = 9, NumAttentionHeads = 6, IntermediateSize = 384 },
        Tiny => Base with
        {
            PatchSize = 8,
            HiddenSize = 32,
            NumHiddenLayers = 2,
            NumAttentionHeads = 2,
            IntermediateSize = 64,
            ConvStem = new ConvStemConfig([8, 16, 32], 1),
        },
        _ => throw new ArgumentException($"There is no preset '{name}'; known are {string.Join(", ", Names)}.", nameof(name)),
    };

    private static VitConfig Convolutional(ConvStemConfig stem) => Base with
    {
        PatchSize = 8,
        HiddenSize = 192,
        NumHiddenLayers = 4,
        NumAttentionHeads = 6,
        IntermediateSize = 384,
        ConvStem = stem,
    };

    private static VitConfig Base => new()
    {
        ImageSize = 48,
        NumChannels = 1,
        Labels = LabelMap.Fer2013Labels,
    };
}
