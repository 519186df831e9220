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

    private const long SafeChannels = 16;

    // libtorch's fused CPU kernel saves memory, which only long sequences need; for short ones it is the slower way, and its
    // backward pass in bf16 is slower by a factor of ten (37 tokens: 52 ms against 5 ms).
    private const int FusedAttentionFrom = 100;

    private readonly Dictionary<string, Tensor> _tensors;
    private readonly StemLayer[] _stem;
    private readonly Block[] _blocks;
    private readonly Lazy<bool> _halfStem;

    private Vit(VitConfig config, Dictionary<string, Tensor> tensors)
    {
        Config = config;
        _tensors = tensors;
        _stem = [.. (config.ConvStem?.Convolutions(config.NumChannels) ?? []).Select(conv => new StemLayer(conv))];
        _blocks = Enumerable.Range(0, config.NumHiddenLayers).Select(i => new Block($"vit.encoder.layer.{i}.")).ToArray();
        _halfStem = new Lazy<bool>(() => HalfConvolutions.AreRightFor(config));
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
    /// <remarks>
    /// Matrices: normal with deviation 1 / sqrt(inputs) (LeCun et al. 1998), cut at two deviations; biases 0; norms 1 and 0; stem
    /// convolutions: He et al. (2015); class token, position embeddings and classifier: <see cref="VitConfig.InitializerRange"/>.
    /// Hugging Face takes that range for the matrices too. At 768 inputs the two hardly differ; at the 192 of a compact model it is
    /// too little: overfitting one batch of 128 took 60 steps with it and 25 without, and from a whole data set nothing was learnt
    /// in two epochs.
    /// </remarks>
    public static Vit Create(VitConfig config, long seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        TorchRuntime.EnsureLoaded();
        using var generator = new Generator((ulong)seed);
        using var noGrad = no_grad();
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (name, shape) in CheckpointKeys.ExpectedShapes(config))
        {
            tensors[name] = Initialise(config, name, shape, generator);
        }

        return new Vit(config, tensors);
    }

    /// <summary>Adds a fresh classifier to tensors that have none.</summary>
    internal static void InitialiseClassifier(VitConfig config, Dictionary<string, Tensor> tensors, long seed)
    {
        using var generator = new Generator((ulong)seed);
        foreach (var name in CheckpointKeys.ClassifierNames)
        {
            tensors[name] = Initialise(config, name, CheckpointKeys.ExpectedShapes(config)[name], generator);
        }
    }

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
        var pass = new Pass(_tensors, options.ComputeType ?? DType);
        var x = Embed(pass, pixels, options);
        for (var i = 0; i < _blocks.Length; i++)
        {
            x = Layer(pass, _blocks[i], x, options.DropPath?.Invoke(i), attention, differentiable);
        }

        x = Norm(pass, CheckpointKeys.LayerNorm, x.index(TensorIndex.Colon, TensorIndex.Single(0)));
        var logits = nn.functional.linear(x, pass[CheckpointKeys.ClassifierWeight], pass[CheckpointKeys.ClassifierBias]).to(ScalarType.Float32);
        attention?.ForEach(a => a.MoveToOuterDisposeScope());

        // A copy also where the type is the same: the caller owns it.
        embedded?.Invoke(x.to(ScalarType.Float32, copy: true).MoveToOuterDisposeScope());
        return logits.MoveToOuterDisposeScope();
    }

    private bool IsSide(long side, VitForwardOptions options) =>
        side == Config.ImageSize || (options.AnySide && side > 0 && side % Config.PatchSize == 0);

    private Tensor Embed(Pass pass, Tensor pixels, VitForwardOptions options)
    {
        var batch = pixels.shape[0];
        var x = Config.ConvStem is { } stem ? Stem(pass, stem.Norm, pixels, options.StemStatistics) : pixels.to(pass.DType);
        x = nn.functional.linear(
            Patches(x, Config.ConvStem is null ? Config.PatchSize : 1),
            pass[CheckpointKeys.ProjectionWeight].flatten(1),
            pass[CheckpointKeys.ProjectionBias]);
        var cls = pass[CheckpointKeys.ClsToken].expand(batch, -1, -1);
        return cat([cls, x], dim: 1).Plus(Positions(pass, pixels.shape[2] / Config.PatchSize));
    }

    private Tensor Positions(Pass pass, long grid)
    {
        if (grid == Grid)
        {
            return pass[CheckpointKeys.Positions];
        }

        // In fp32: a few hundred values, whose cubic weights bf16 would spoil.
        var positions = pass.In(ScalarType.Float32)[CheckpointKeys.Positions];
        var cells = positions.narrow(1, 1, (long)Grid * Grid).transpose(1, 2).reshape(1, Config.HiddenSize, Grid, Grid);
        var resized = nn.functional.interpolate(cells, [grid, grid], mode: InterpolationMode.Bicubic, align_corners: false);
        return cat([positions.narrow(1, 0, 1), resized.flatten(2).transpose(1, 2)], dim: 1).to(pass.DType);
    }

    // On a CPU bf16 convolutions are taken only where they have been seen to be right (HalfConvolutions); else the stem is computed in
    // fp32. That is wrong too where a convolution makes a number of channels that is no multiple of 16, or takes such a number above
    // 16: it then gets some more, of zeros. The norms sum in fp32 in any case, with weights in fp32 where the processor can mix the two.
    private Tensor Stem(Pass pass, StemNorm norm, Tensor pixels, StemStatistics? statistics)
    {
        var onCpu = pixels.device_type == TorchSharp.DeviceType.CPU;
        var convolutions = onCpu && pass.DType == ScalarType.BFloat16 && !_halfStem.Value ? pass.In(ScalarType.Float32) : pass;
        var norms = onCpu ? pass.In(ScalarType.Float32) : pass;
        var x = pixels.to(convolutions.DType);
        var unchanged = x;
        foreach (var layer in _stem)
        {
            if (layer.Conv.OpensBranch)
            {
                unchanged = x;
            }

            x = Convolve(convolutions, layer, x);
            if (norm != StemNorm.None)
            {
                x = Normalise(norms, norm, layer, x, statistics);
            }
            else
            {
                statistics?.See(layer.Conv, x);
            }

            x = nn.functional.relu(layer.Conv.ClosesBranch ? x.Plus(unchanged) : x);
        }

        return x.to(pass.DType);
    }

    private static Tensor Normalise(Pass pass, StemNorm kind, StemLayer layer, Tensor x, StemStatistics? statistics)
    {
        var (weight, bias) = (pass[layer.NormWeight], pass[layer.NormBias]);
        if (kind == StemNorm.Group)
        {
            return nn.functional.group_norm(x, StemNormGroups, weight, bias, StemNormEps);
        }

        // The function writes what it saw into the tensors that it is given; the batch at hand is what it computes with.
        var (mean, variance) = statistics?[layer.Conv] ?? (zeros_like(bias), ones_like(weight));
        return nn.functional.batch_norm(
            x, mean, variance, weight, bias, training: true, momentum: statistics?.Momentum ?? 1, eps: StemNormEps);
    }

    private static Tensor Convolve(Pass pass, StemLayer layer, Tensor x)
    {
        var (weight, bias) = (pass[layer.Weight], pass.Find(layer.Bias));
        var (channels, inputs) = (weight.shape[0], weight.shape[1]);
        if (x.device_type == TorchSharp.DeviceType.CPU && (Missing(channels) > 0 || (inputs > SafeChannels && Missing(inputs) > 0)))
        {
            var more = inputs > SafeChannels ? Missing(inputs) : 0;
            weight = nn.functional.pad(weight, [0, 0, 0, 0, 0, more, 0, Missing(channels)]);
            bias = bias is null ? null : nn.functional.pad(bias, [0, Missing(channels)]);
            x = nn.functional.pad(x, [0, 0, 0, 0, 0, more]);
        }

        return nn.functional.conv2d(x, weight, bias, strides: [layer.Conv.Stride, layer.Conv.Stride], padding: [1, 1]).narrow(1, 0, channels).contiguous();
    }

    private static long Missing(long channels) => (SafeChannels - (channels % SafeChannels)) % SafeChannels;

    // A convolution whose stride is its kernel sees every value once: it is a product of matrices, and written as one it is twice as
    // fast (and right, see Stem). For a side of 1 the reshaped tensor would be a transposed view, of which the same library's bf16
    // products are wrong too: hence the copy.
    private static Tensor Patches(Tensor x, long side)
    {
        var (batch, channels, rows, columns) = (x.shape[0], x.shape[1], x.shape[2] / side, x.shape[3] / side);
        return x.reshape(batch, channels, rows, side, columns, side)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(batch, rows * columns, channels * side * side)
            .contiguous();
    }

    private Tensor Layer(Pass pass, Block block, Tensor x, Tensor? keep, List<Tensor>? attention, bool differentiable)
    {
        // A scope of its own: what the backward pass needs is kept by the graph, and what it does not need (all of it in a frozen
        // layer or in serving) is freed here and not at the end of the network. At 197 tokens that is most of the memory.
        using var scope = NewDisposeScope();
        var kept = attention?.Count ?? 0;
        var attended = Attention(pass, block, Norm(pass, block.NormBefore, x), attention, differentiable);
        x = x.Plus(keep is null ? attended : attended * keep.to(pass.DType));
        var y = Norm(pass, block.NormAfter, x);
        y = Linear(pass, block.Intermediate, y);
        y = Linear(pass, block.Output, Activate(y));
        attention?.Skip(kept).ToList().ForEach(a => a.MoveToOuterDisposeScope());
        return x.Plus(keep is null ? y : y * keep.to(pass.DType)).MoveToOuterDisposeScope();
    }

    private Tensor Activate(Tensor x) => Config.HiddenAct switch
    {
        HiddenActivation.Relu => nn.functional.relu(x),
        HiddenActivation.GeluTanh => nn.functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh, inplace: false),
        _ => nn.functional.gelu(x),
    };

    private Tensor Attention(Pass pass, Block block, Tensor x, List<Tensor>? attention, bool differentiable)
    {
        var (batch, tokens, dim) = (x.shape[0], x.shape[1], x.shape[2]);
        var heads = Config.NumAttentionHeads;
        Tensor Heads(string name) => Linear(pass, name, x).view(batch, tokens, heads, dim / heads).transpose(1, 2);

        var (q, k, v) = (Heads(block.Query), Heads(block.Key), Heads(block.Value));
        Tensor context;
        if (attention is null && tokens > FusedAttentionFrom)
        {
            context = nn.functional.scaled_dot_product_attention(q, k, v);
        }
        else
        {
            var weights = q.matmul(k.transpose(-2, -1)).Times(1 / Math.Sqrt((double)dim / heads)).softmax(-1);
            if (attention is not null)
            {
                // What is kept is what the pass goes on with, so that a gradient reaches it; from bf16 to fp32 and back nothing is lost.
                var kept = weights.to(ScalarType.Float32);
                if (differentiable && !kept.requires_grad)
                {
                    kept.requires_grad = true;
                }

                attention.Add(kept);
                weights = kept.to(pass.DType);
            }

            context = weights.matmul(v);
        }

        return Linear(pass, block.AttentionOutput, context.transpose(1, 2).reshape(batch, tokens, dim));
    }

    private Tensor Norm(Pass pass, string prefix, Tensor x) =>
        nn.functional.layer_norm(x, [Config.HiddenSize], pass[prefix + "weight"], pass[prefix + "bias"], Config.LayerNormEps);

    private static Tensor Linear(Pass pass, string prefix, Tensor x) =>
        nn.functional.linear(x, pass[prefix + "weight"], pass.Find(prefix + "bias"));

    private static Tensor Initialise(VitConfig config, string name, long[] shape, Generator generator)
    {
        if (name.EndsWith(".bias", StringComparison.Ordinal))
        {
            return zeros(shape);
        }

        if (name.Contains("norm", StringComparison.Ordinal))
        {
            return ones(shape);
        }

        if (name.Contains(".stem.", StringComparison.Ordinal))
        {
            var fanOut = shape[0] * shape[2] * shape[3];
            return randn(shape, generator: generator).mul_(Math.Sqrt(2.0 / fanOut));
        }

        // Clamping instead of drawing again: one value in twenty lies beyond two deviations, which lowers the deviation by a few per cent.
        var inputs = shape.Skip(1).Aggregate(1L, (product, length) => product * length);
        var deviation = IsMatrix(name) ? 1 / Math.Sqrt(inputs) : config.InitializerRange;
        return randn(shape, generator: generator).clamp_(-2, 2).mul_(deviation);
    }

    private static bool IsMatrix(string name) =>
        name.StartsWith("vit.encoder.", StringComparison.Ordinal) || name == CheckpointKeys.ProjectionWeight;

    /// <summary>The tensors in the compute type; a cast of a master weight is part of the graph, so its gradient arrives in fp32.</summary>
    private readonly struct Pass(Dictionary<string, Tensor> tensors, ScalarType dtype)
    {
        public ScalarType DType => dtype;

        /// <summary>The same tensors in another type.</summary>
        public Pass In(ScalarType other) => new(tensors, other);

        public Tensor this[string name] => Cast(tensors[name]);

        public Tensor? Find(string name) => tensors.TryGetValue(name, out var tensor) ? Cast(tensor) : null;

        private Tensor Cast(Tensor tensor) => tensor.dtype == dtype ? tensor : tensor.to(dtype);
    }

    private sealed class StemLayer(StemConvolution conv)
    {
        public StemConvolution Conv => conv;

        public string Weight { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: false, "weight");

        public string Bias { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: false, "bias");

        public string NormWeight { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: true, "weight");

        public string NormBias { get; } = CheckpointKeys.InStem(conv.Stage, conv.Place, norm: true, "bias");
    }

    private sealed class Block(string prefix)
    {
        public string NormBefore { get; } = prefix + "layernorm_before.";

        public string NormAfter { get; } = prefix + "layernorm_after.";

        public string Query { get; } = prefix + "attention.attention.query.";

        public string Key { get; } = prefix + "attention.attention.key.";

        public string Value { get; } = prefix + "attention.attention.value.";

        public string AttentionOutput { get; } = prefix + "attention.output.dense.";

        public string Intermediate { get; } = prefix + "intermediate.dense.";

        public string Output { get; } = prefix + "output.dense.";
    }
}
