using FerActors.Vision.Checkpoints;
using FerActors.Vision.Configuration;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Vision.Model;

/// <summary>
/// The Vision Transformer of Dosovitskiy et al., "An Image is Worth 16x16 Words" (2020), in the form of Hugging Face's
/// <c>ViTForImageClassification</c>: pre-norm blocks, exact GELU, classifier on the class token after the last layer norm, no pooler.
/// </summary>
/// <remarks>
/// <para>The tensors carry Hugging Face's own (legacy) names, so that a checkpoint maps onto them one to one. They are plain
/// tensors in a dictionary rather than a tree of modules: the forward pass then is a pure function of them, which the two users
/// need: serving holds them in the compute type, training holds fp32 master weights and casts on the way.</para>
/// <para>Beyond the paper there is one named variant (<see cref="VitConfig.ConvStem"/>): the patch projection is replaced by a few
/// strided 3x3 convolutions, after Xiao et al., "Early Convolutions Help Transformers See Better" (2021), each followed by a norm
/// (<see cref="StemNorm"/>) and ReLU.</para>
/// <para>Forward passes may run on several threads at once; disposing while one runs must be prevented by the owner.</para>
/// </remarks>
public sealed class Vit : IDisposable
{
    /// <summary>Groups of the stem's group normalisation.</summary>
    public const int StemNormGroups = 8;

    /// <summary>What keeps the deviation of the stem's norms from zero.</summary>
    public const double StemNormEps = 1e-5;

    private readonly Dictionary<string, Tensor> _tensors;
    private readonly TokenEmbedding _embedding;
    private readonly EncoderBlock[] _blocks;

    private Vit(VitConfig config, Dictionary<string, Tensor> tensors)
    {
        Config = config;
        _tensors = tensors;
        _embedding = new TokenEmbedding(config);
        _blocks = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new EncoderBlock(config, CheckpointKeys.InLayer(i, "")))];
    }

    public VitConfig Config { get; }

    /// <summary>Every tensor by its legacy Hugging Face name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>The type in which the tensors are held.</summary>
    public ScalarType DType => _tensors[CheckpointKeys.ClassifierWeight].dtype;

    public Device Device => _tensors[CheckpointKeys.ClassifierWeight].device;

    /// <summary>Number of patches on each side of the grid.</summary>
    public int Grid => Config.GridSize;

    /// <summary>Wraps tensors that were loaded. Takes ownership of them.</summary>
    /// <exception cref="ArgumentException">A tensor is missing, superfluous or of another shape than the configuration says.</exception>
    public static Vit FromTensors(VitConfig config, Dictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(tensors);
        var expected = CheckpointKeys.ExpectedShapes(config);
        foreach (var (name, shape) in expected)
        {
            if (!tensors.TryGetValue(name, out var tensor))
            {
                throw new ArgumentException($"The tensor {name} is missing.", nameof(tensors));
            }

            if (!tensor.shape.SequenceEqual(shape))
            {
                throw new ArgumentException(
                    $"The tensor {name} has the shape [{string.Join(", ", tensor.shape)}]; the configuration asks for [{string.Join(", ", shape)}].",
                    nameof(tensors));
            }
        }

        return tensors.Count == expected.Count
            ? new Vit(config, tensors)
            : throw new ArgumentException($"Superfluous tensors: {string.Join(", ", tensors.Keys.Except(expected.Keys).Take(5))}.", nameof(tensors));
    }

    /// <summary>A freshly initialised fp32 model on the CPU; the same seed gives the same weights.</summary>
    public static Vit Create(VitConfig config, long seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        TorchRuntime.EnsureLoaded();
        var tensors = new Dictionary<string, Tensor>();
        VitInitialisation.Fill(config, tensors, CheckpointKeys.ExpectedShapes(config).Keys, seed);
        return new Vit(config, tensors);
    }

    /// <summary>Adds a fresh classifier to tensors that have none.</summary>
    internal static void InitialiseClassifier(VitConfig config, Dictionary<string, Tensor> tensors, long seed) =>
        VitInitialisation.Fill(config, tensors, CheckpointKeys.ClassifierNames, seed);

    /// <summary>A copy in another type or on another device; gradients are not tracked by it.</summary>
    public Vit To(ScalarType dtype, Device device)
    {
        using var noGrad = no_grad();
        var tensors = new Dictionary<string, Tensor>(_tensors.Count);
        foreach (var (name, tensor) in _tensors)
        {
            using var detached = tensor.detach();
            tensors[name] = detached.to(dtype, device, copy: true).DetachFromDisposeScope();
        }

        return new Vit(Config, tensors);
    }

    /// <summary>A copy with another configuration of the same shapes: other labels, name or temperature.</summary>
    /// <exception cref="ArgumentException">The configuration asks for other shapes.</exception>
    public Vit With(VitConfig config)
    {
        var copy = To(DType, Device);
        return FromTensors(config, copy._tensors);
    }

    /// <summary>Classifies a batch.</summary>
    /// <param name="pixels">Normalised images, fp32 [batch, channels, side, side].</param>
    /// <param name="options">Compute type and the regularisation of training; serving passes none.</param>
    /// <returns>Logits, fp32 [batch, labels], in the checkpoint's own label order.</returns>
    public Tensor Forward(Tensor pixels, VitForwardOptions? options = null) => Forward(pixels, options ?? VitForwardOptions.Serving, attention: null);

    /// <summary>Classifies a batch, and gives each image's embedding: its class token after the last norm, of which the classifier is a linear function.</summary>
    /// <returns>Logits fp32 [batch, labels] and embeddings fp32 [batch, hidden].</returns>
    public (Tensor Logits, Tensor Embedding) ForwardWithEmbedding(Tensor pixels, VitForwardOptions? options = null)
    {
        Tensor? embedding = null;
        var logits = Forward(pixels, options ?? VitForwardOptions.Serving, attention: null, embedded: token => embedding = token);
        return (logits, embedding!);
    }

    /// <summary>Classifies a batch and keeps each layer's attention weights, which the fused kernel of <see cref="Forward(Tensor, VitForwardOptions?)"/> does not give.</summary>
    /// <returns>Logits fp32 [batch, labels] and, for each layer, attention fp32 [batch, heads, tokens, tokens].</returns>
    public (Tensor Logits, IReadOnlyList<Tensor> Attention) ForwardWithAttention(Tensor pixels)
    {
        var attention = new List<Tensor>(Config.NumHiddenLayers);
        return (Forward(pixels, VitForwardOptions.Serving, attention), attention);
    }

    /// <summary>
    /// As <see cref="ForwardWithAttention"/>, and for each layer how one output of each image would change with the attention weights.
    /// Not to be called in inference mode, which keeps no graph.
    /// </summary>
    /// <param name="pixels">Normalised images, fp32 [batch, channels, side, side].</param>
    /// <param name="choose">From the logits, fp32 [batch, labels], to the number of an output for each image, int64 [batch].</param>
    /// <returns>Logits fp32 [batch, labels]; attention and gradients, each fp32 [batch, heads, tokens, tokens] for each layer.</returns>
    public (Tensor Logits, IReadOnlyList<Tensor> Attention, IReadOnlyList<Tensor> Gradients) ForwardWithGradients(
        Tensor pixels, Func<Tensor, Tensor> choose)
    {
        ArgumentNullException.ThrowIfNull(choose);
        using var scope = NewDisposeScope();
        using var tracking = enable_grad();
        var attention = new List<Tensor>(Config.NumHiddenLayers);
        var logits = Forward(pixels, VitForwardOptions.Serving, attention, differentiable: true);
        var gradients = autograd.grad([logits.gather(1, choose(logits.detach()).unsqueeze(1)).sum()], attention);
        return (
            logits.detach().MoveToOuterDisposeScope(),
            [.. attention.Select(layer => layer.detach().MoveToOuterDisposeScope())],
            [.. gradients.Select(layer => layer.MoveToOuterDisposeScope())]);
    }

    /// <summary>Disposes all tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values)
        {
            tensor.Dispose();
        }
    }

    private Tensor Forward(Tensor pixels, VitForwardOptions options, List<Tensor>? attention, bool differentiable = false, Action<Tensor>? embedded = null)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.dim() != 4 || pixels.shape[1] != Config.NumChannels || pixels.shape[2] != pixels.shape[3] || !IsSide(pixels.shape[2], options))
        {
            throw new ArgumentException(
                $"Expected images of the shape [batch, {Config.NumChannels}, {Config.ImageSize}, {Config.ImageSize}], got [{string.Join(", ", pixels.shape)}].",
                nameof(pixels));
        }

        using var scope = NewDisposeScope();
        var weights = new WeightsInType(_tensors, options.ComputeType ?? DType);
        var x = _embedding.Forward(weights, pixels, options.StemStatistics);
        for (var i = 0; i < _blocks.Length; i++)
        {
            x = _blocks[i].Forward(weights, x, options.DropPath?.Invoke(i), attention, differentiable);
        }

        x = weights.LayerNorm(CheckpointKeys.LayerNorm, x.index(TensorIndex.Colon, TensorIndex.Single(0)), Config.LayerNormEps);
        var logits = weights.Linear(CheckpointKeys.Classifier, x).to(ScalarType.Float32);
        attention?.ForEach(a => a.MoveToOuterDisposeScope());

        // A copy also where the type is the same: the caller owns it.
        embedded?.Invoke(x.to(ScalarType.Float32, copy: true).MoveToOuterDisposeScope());
        return logits.MoveToOuterDisposeScope();
    }

    private bool IsSide(long side, VitForwardOptions options) =>
        side == Config.ImageSize || (options.AnySide && side > 0 && side % Config.PatchSize == 0);
}
