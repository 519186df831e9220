using FerActors.Shared.Files;

namespace FerActors.Vision.Configuration;

/// <summary>
/// The shape of a Vision Transformer: config.json of Hugging Face's <c>ViTForImageClassification</c>, or of our variant with a
/// convolutional stem.
/// </summary>
/// <remarks>
/// A value made in code is checked by <see cref="EnsureValid"/>, one that was parsed has been. Fields of the file that have no
/// meaning here (for example <c>encoder_stride</c>) are neither kept nor written.
/// </remarks>
public sealed record VitConfig
{
    /// <summary>Hugging Face's model type of a plain ViT.</summary>
    public const string PlainModelType = "vit";

    /// <summary>Our model type of a ViT with a convolutional stem.</summary>
    public const string ConvStemModelType = "fer_vit_conv";

    /// <summary>Name of the file in a checkpoint's folder.</summary>
    public const string FileName = "config.json";

    /// <summary><c>vit</c> or <c>fer_vit_conv</c>.</summary>
    public string ModelType => ConvStem is null ? PlainModelType : ConvStemModelType;

    /// <summary>Width of a token, D; 1 to 16384 and a multiple of the heads.</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>Transformer blocks; 1 to 256.</summary>
    public int NumHiddenLayers { get; init; } = 12;

    /// <summary>Attention heads of a block; 1 to 1024.</summary>
    public int NumAttentionHeads { get; init; } = 12;

    /// <summary>Width between the two layers of a block's MLP; 1 to 65536.</summary>
    public int IntermediateSize { get; init; } = 3072;

    public HiddenActivation HiddenAct { get; init; } = HiddenActivation.Gelu;

    /// <summary>Dropout behind the embeddings and each sub-layer while training; 0 to below 1.</summary>
    public double HiddenDropoutProb { get; init; }

    /// <summary>Dropout of the attention weights while training; 0 to below 1.</summary>
    public double AttentionProbsDropoutProb { get; init; }

    /// <summary>Standard deviation of fresh weights; above 0, at most 1.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Added to the variance in a layer norm; above 0, at most 0.1. Hugging Face's default is 1e-12, timm's 1e-6.</summary>
    public double LayerNormEps { get; init; } = 1e-12;

    /// <summary>Side of the square input in pixels; 1 to 4096 and a multiple of the patch size.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Side of a square patch in pixels.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels of the input: 1 or 3.</summary>
    public int NumChannels { get; init; } = 3;

    /// <summary>Whether query, key and value have a bias.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Names of the outputs, so that <c>Labels[i]</c> is the name of output <c>i</c> (<c>id2label</c>).</summary>
    public IReadOnlyList<string> Labels { get; init; } = ["LABEL_0", "LABEL_1"];

    /// <summary><see langword="null"/> or <c>single_label_classification</c>.</summary>
    public string? ProblemType { get; init; }

    /// <summary>What the file says of the weights' type, for example <c>float32</c>; the weights' own header is what counts.</summary>
    public string? TorchDType { get; init; }

    public IReadOnlyList<string> Architectures { get; init; } = ["ViTForImageClassification"];

    /// <summary>The convolutional stem; <see langword="null"/> for a plain ViT.</summary>
    public ConvStemConfig? ConvStem { get; init; }

    /// <summary>Our own additions to the file.</summary>
    public FerActorsSection FerActors { get; init; } = new();

    /// <summary>Number of outputs.</summary>
    public int NumLabels => Labels.Count;

    /// <summary>Patches along one side.</summary>
    public int GridSize => ImageSize / PatchSize;

    /// <summary>Tokens of a sequence: the patches and the class token.</summary>
    public int SequenceLength => (GridSize * GridSize) + 1;

    /// <summary>Width of one attention head.</summary>
    public int HeadSize => HiddenSize / NumAttentionHeads;

    /// <summary>Parameters of the network with its classifier: 85,804,039 for ViT-B/16 with 7 classes.</summary>
    public long ParameterCount
    {
        get
        {
            checked
            {
                long width = HiddenSize;
                long inner = IntermediateSize;
                var attention = (3 * ((width * width) + (QkvBias ? width : 0))) + (width * width) + width;
                var mlp = (2 * width * inner) + inner + width;
                var block = attention + mlp + (4 * width);
                var tokens = (long)SequenceLength * width;
                return PatchParameters() + width + tokens + (block * NumHiddenLayers) + (2 * width) + (NumLabels * (width + 1));
            }
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="VitConfigException">The configuration cannot be used; all reasons are given.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static VitConfig Load(string path) => Parse(JsonFields.ReadFile(path), Path.GetFileName(path));

    /// <summary>Reads the text of a file; at most 8 MiB of UTF-8.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">How messages call it.</param>
    /// <exception cref="VitConfigException">The configuration cannot be used; all reasons are given.</exception>
    public static VitConfig Parse(ReadOnlyMemory<byte> json, string source = FileName) =>
        JsonFields.Parse(json, source, VitConfigJson.Read);

    /// <summary>Writes the file in Hugging Face's layout, as a whole or not at all.</summary>
    /// <exception cref="VitConfigException">The configuration is not valid.</exception>
    public void Save(string path)
    {
        var json = ToJson();
        AtomicFile.Write(path, stream => stream.Write(json));
    }

    /// <summary>The file's text in Hugging Face's layout: UTF-8, two spaces of indentation, sorted keys.</summary>
    /// <exception cref="VitConfigException">The configuration is not valid.</exception>
    public byte[] ToJson()
    {
        EnsureValid();
        return VitConfigJson.Write(this);
    }

    /// <exception cref="VitConfigException">The configuration is not valid; all reasons are given.</exception>
    public void EnsureValid()
    {
        var errors = Validate();
        if (errors.Count > 0)
        {
            throw new VitConfigException("The ViT configuration", errors);
        }
    }

    /// <summary>What makes the configuration unusable, a sentence each; empty where it is valid.</summary>
    public IReadOnlyList<string> Validate() => VitConfigRules.Check(this);

    private long PatchParameters()
    {
        if (ConvStem is null)
        {
            return ((long)HiddenSize * NumChannels * PatchSize * PatchSize) + HiddenSize;
        }

        var parameters = 0L;
        long input = NumChannels;
        foreach (var conv in ConvStem.Convolutions(NumChannels))
        {
            var perChannel = (ConvStem.HasBiases ? 1 : 0) + (ConvStem.Norm == StemNorm.None ? 0 : 2);
            parameters += ((9L * conv.Inputs) + perChannel) * conv.Outputs;
            input = conv.Outputs;
        }

        return parameters + (input * HiddenSize) + HiddenSize;
    }
}
