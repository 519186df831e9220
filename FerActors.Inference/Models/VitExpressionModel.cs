using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using FerActors.Vision.Onnx;
using TorchSharp;
using static TorchSharp.torch;

namespace FerActors.Inference.Models;

/// <summary>A Vision Transformer that serves: gray crops in, calibrated probabilities in FER2013 order out.</summary>
public sealed class VitExpressionModel : IExpressionModel
{
    // An attention pass holds the weights of every layer and head at once, for ViT-B 22 MB a face.
    private const int AttentionBatch = 8;

    private readonly Vit _model;
    private readonly LabelMap _labels;
    private readonly GrayNormalisation _normalisation;
    private readonly OnnxEngine? _onnx;
    private readonly string _augmentation;
    private readonly PassThreads _threads;

    private VitExpressionModel(
        Vit model, OnnxEngine? onnx, PassThreads threads, string augmentation, LabelMap labels, GrayNormalisation normalisation, ModelIdentity identity)
    {
        _threads = threads;
        _model = model;
        _onnx = onnx;
        _augmentation = augmentation;
        _labels = labels;
        _normalisation = normalisation;
        Identity = identity;
    }

    public ModelIdentity Identity { get; }

    public int InputSide => _model.Config.ImageSize;

    /// <summary>The type in which it computes.</summary>
    public ScalarType ComputeType => _model.DType;

    /// <summary>What computes its forward passes, as <see cref="ModelOptions.Engine"/> names it.</summary>
    public string Engine => _onnx is null ? ModelOptions.LibTorch : ModelOptions.OnnxRuntime;

    /// <summary>Loads a model folder onto the device, in the precision that the options ask for, and warms it up.</summary>
    /// <param name="options">Folder, device and precision.</param>
    /// <param name="warmUpBatches">Batch sizes to run before the model is handed out; the first pass of each size is slow.</param>
    /// <exception cref="Exception">The folder or the device cannot be used; the message says why.</exception>
    public static VitExpressionModel Load(ModelOptions options, IReadOnlyList<int> warmUpBatches)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(warmUpBatches);
        var model = LoadCold(options, warmUpBatches.DefaultIfEmpty(1).Max(), version: null);
        try
        {
            foreach (var size in warmUpBatches)
            {
                model.WarmUp(size);
            }
        }
        catch
        {
            model.Dispose();
            throw;
        }

        return model;
    }

    /// <summary>Loads a model folder without warming it up.</summary>
    /// <param name="options">Folder, device and precision.</param>
    /// <param name="trialBatch">Size of the batch with which the precisions are compared.</param>
    /// <param name="version">The version's name in the registry; absent takes what the folder says.</param>
    internal static VitExpressionModel LoadCold(ModelOptions options, int trialBatch, string? version)
    {
        var device = FindDevice(options.Device);
        using var checkpoint = VitCheckpoint.Load(options.Path);
        var cores = options.EffectiveThreads(Environment.ProcessorCount);
        var threads = device.type == DeviceType.CPU && options.Engine == ModelOptions.LibTorch ? cores : 1;
        var config = checkpoint.Model.Config;
        var identity = new ModelIdentity(
            config.FerActors.Name ?? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(options.Path)),
            version ?? config.FerActors.Version ?? checkpoint.WeightsSha256[..12],
            checkpoint.WeightsSha256);
        var labels = LabelMap.Create(config.Labels);
        var normalisation = new GrayNormalisation(checkpoint.Preprocessor);
        VitExpressionModel In(ScalarType type, OnnxEngine? onnx = null) =>
            new(checkpoint.Model.To(type, device), onnx, new PassThreads(threads), options.TestTimeAugmentation, labels, normalisation, identity);

        if (options.Engine == ModelOptions.OnnxRuntime)
        {
            return OneOf(
                () => In(ScalarType.Float32),
                () => In(ScalarType.Float32, new OnnxEngine(OnnxVit.Export(checkpoint.Model), cores)),
                (exact, other) => PrecisionTrial.RequireParity(exact, other, options.ParityTolerance));
        }

        VitExpressionModel Either(Func<VitExpressionModel, VitExpressionModel, VitExpressionModel> choose) =>
            OneOf(() => In(ScalarType.Float32), () => In(ScalarType.BFloat16), choose);

        var model = options.Precision switch
        {
            "fp32" => In(ScalarType.Float32),
            "bf16" => Either((exact, half) => PrecisionTrial.RequireParity(exact, half, options.ParityTolerance)),
            _ => Either((exact, half) => PrecisionTrial.Choose(exact, half, options.ParityTolerance, trialBatch)),
        };
        model.TryThreads();
        return model;
    }

    /// <summary>Runs a batch of this size; the first pass of each size is slow.</summary>
    internal void WarmUp(int size) => Predict(PrecisionTrial.Probe(InputSide, size));

    public IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops) => Predict(crops, waiting: 0);

    public IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops, int waiting)
    {
        ArgumentNullException.ThrowIfNull(crops);
        var augmentation = FaceView.Settle(_augmentation, crops.Count + waiting);
        var area = InputSide * InputSide;
        foreach (var crop in crops)
        {
            if (crop.Gray.Length != area)
            {
                throw new ArgumentException($"A crop has {crop.Gray.Length} pixels; the model takes {area}.", nameof(crops));
            }
        }

        // A pass with attention maps, let alone gradients, is slower for all of its batch, so it is only taken for those who asked.
        var predictions = new FacePrediction[crops.Count];
        var groups = Enumerable.Range(0, crops.Count).ToLookup(i => KindOf(crops[i]));
        if (groups[PassKind.Plain].Any())
        {
            Pass(crops, groups[PassKind.Plain].ToArray(), PassKind.Plain, augmentation, predictions);
        }

        foreach (var kind in new[] { PassKind.Attention, PassKind.Gradients })
        {
            foreach (var slice in groups[kind].Chunk(AttentionBatch))
            {
                Pass(crops, slice, kind, augmentation, predictions);
            }
        }

        return predictions;
    }

    public void Dispose()
    {
        _onnx?.Dispose();
        _threads.Dispose();
        _model.Dispose();
    }

    private void TryThreads()
    {
        var blank = new float[_normalisation.Channels * InputSide * InputSide];
        _threads.Try(() => _threads.Run(1, (_, count) => Plain(blank, count)));
    }

    private static PassKind KindOf(FaceCrop crop) => crop switch
    {
        { Explain.Method: ExplanationMethod.Gradient } => PassKind.Gradients,
        { WantsAttention: true } or { Explain: not null } => PassKind.Attention,
        _ => PassKind.Plain,
    };

    // One forward pass for each view over the crops with these numbers.
    private void Pass(IReadOnlyList<FaceCrop> crops, int[] numbers, PassKind kind, string augmentation, FacePrediction[] predictions)
    {
        var image = _normalisation.Channels * InputSide * InputSide;
        var planes = new float[numbers.Length * image];
        for (var i = 0; i < numbers.Length; i++)
        {
            _normalisation.Apply(crops[numbers[i]].Gray, planes.AsSpan(i * image, image));
        }

        var own = numbers.Select(number => crops[number]).ToList();
        var (logits, layers, weighted, embeddings) = Run(planes, own, kind);
        var views = FaceView.Of(augmentation);
        foreach (var view in views.Skip(1))
        {
            logits = [.. logits.Zip(Run(view.Apply(planes, InputSide), own, PassKind.Plain).Logits, (sum, other) => sum + other)];
        }

        if (views.Count > 1)
        {
            logits = [.. logits.Select(sum => sum / views.Count)];
        }

        for (var i = 0; i < numbers.Length; i++)
        {
            var crop = crops[numbers[i]];
            var probabilities = Probabilities(logits.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count));
            predictions[numbers[i]] = new FacePrediction(
                probabilities, crop.WantsAttention ? Rollout(layers, i) : null, Explanation(crop.Explain, probabilities, layers, weighted, i))
            {
                Views = augmentation,
                Embedding = embeddings?.AsSpan(i * _model.Config.HiddenSize, _model.Config.HiddenSize).ToArray(),
            };
        }
    }

    private FaceExplanation? Explanation(
        ExplanationRequest? wanted, float[] probabilities, List<float[]> layers, List<float[]> weighted, int image)
    {
        if (wanted is null)
        {
            return null;
        }

        if (wanted.Method == ExplanationMethod.Rollout)
        {
            return ExplanationGrid.Of(wanted.Method, null, [.. Rollout(layers, image).Values.Select(value => (double)value)], _model.Grid);
        }

        var label = wanted.Label ?? (Expression)Array.IndexOf(probabilities, probabilities.Max());
        return ExplanationGrid.Of(wanted.Method, label, GradientRollout.Compute(Own(weighted, image), _model.Config.SequenceLength), _model.Grid);
    }

    // Logits, and for each layer what of its attention was asked for, averaged over the heads: [image, token, token].
    private (float[] Logits, List<float[]> Layers, List<float[]> Weighted, float[]? Embeddings) Run(
        float[] planes, List<FaceCrop> crops, PassKind kind)
    {
        if (kind == PassKind.Plain && _onnx is not null)
        {
            var (fast, tokens) = _onnx.Run(planes, [crops.Count, _normalisation.Channels, InputSide, InputSide]);
            return (fast, [], [], tokens);
        }

        if (kind == PassKind.Plain)
        {
            var image = planes.Length / crops.Count;
            var parts = _threads.Run(crops.Count, (start, count) => Plain(planes[(start * image)..((start + count) * image)], count));
            return (Joined(parts, part => part.Logits), [], [], Joined(parts, part => part.Embeddings));
        }

        set_num_threads(_threads.Plan(images: 1).ThreadsEach);
        using var scope = NewDisposeScope();
        if (kind == PassKind.Gradients)
        {
            var (outputs, attention, gradients) = _model.ForwardWithGradients(Pixels(planes, crops.Count), values => Chosen(values, crops));
            var weighted = attention.Zip(gradients, (weights, gradient) => Values((weights * gradient).relu().mean([1])));
            return (Values(outputs), attention.Select(weights => Values(weights.mean([1]))).ToList(), weighted.ToList(), null);
        }

        using var inference = inference_mode();
        var (logits, layers) = _model.ForwardWithAttention(Pixels(planes, crops.Count));
        return (Values(logits), layers.Select(weights => Values(weights.mean([1]))).ToList(), [], null);
    }

    private (float[] Logits, float[] Embeddings) Plain(float[] planes, int count)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var (logits, embeddings) = _model.ForwardWithEmbedding(Pixels(planes, count));
        return (Values(logits), Values(embeddings));
    }

    private static float[] Joined<T>(T[] parts, Func<T, float[]> values) => parts.Length == 1 ? values(parts[0]) : [.. parts.SelectMany(values)];

    private Tensor Pixels(float[] planes, int count) =>
        tensor(planes, [count, _normalisation.Channels, InputSide, InputSide], device: _model.Device);

    // The output that each crop wants explained: that of an expression, or the highest. Outputs may stand in another order than FER2013's.
    private Tensor Chosen(Tensor outputs, List<FaceCrop> crops)
    {
        var highest = outputs.argmax(1).cpu().data<long>().ToArray();
        var named = crops.Select((crop, i) => crop.Explain?.Label is { } label ? Array.IndexOf(_labels.OutputToExpression, (int)label) : highest[i]);
        return tensor(named.ToArray(), device: _model.Device);
    }

    private static float[] Values(Tensor values) => values.cpu().data<float>().ToArray();

    private float[] Probabilities(ReadOnlySpan<float> logits)
    {
        var ordered = new float[ExpressionNames.Count];
        _labels.Reorder(logits, ordered);
        if (!ordered.All(float.IsFinite))
        {
            throw new ModelFailureException("The model gave logits that are not finite.");
        }

        var temperature = _model.Config.FerActors.Temperature;
        var highest = ordered.Max();
        var sum = 0.0;
        var powers = new double[ordered.Length];
        for (var i = 0; i < ordered.Length; i++)
        {
            powers[i] = Math.Exp((ordered[i] - highest) / temperature);
            sum += powers[i];
        }

        for (var i = 0; i < ordered.Length; i++)
        {
            ordered[i] = (float)(powers[i] / sum);
        }

        return ordered;
    }

    private AttentionMap Rollout(List<float[]> layers, int image) => AttentionRollout.Compute(Own(layers, image), _model.Grid);

    private List<float[]> Own(List<float[]> layers, int image)
    {
        var tokens = _model.Config.SequenceLength;
        return layers.Select(l => l.AsSpan(image * tokens * tokens, tokens * tokens).ToArray()).ToList();
    }

    // Of the two copies, the one that is not chosen is disposed, and both are where none is.
    private static VitExpressionModel OneOf(
        Func<VitExpressionModel> exact, Func<VitExpressionModel> other, Func<VitExpressionModel, VitExpressionModel, VitExpressionModel> choose)
    {
        VitExpressionModel? first = null, second = null, chosen = null;
        try
        {
            first = exact();
            second = other();
            return chosen = choose(first, second);
        }
        finally
        {
            foreach (var copy in new[] { first, second }.Where(c => c != chosen))
            {
                copy?.Dispose();
            }
        }
    }

    private static Device FindDevice(string name)
    {
        TorchRuntime.EnsureLoaded();
        var device = new Device(name);
        if (device.type == DeviceType.CUDA)
        {
            var count = cuda.is_available() ? cuda.device_count() : 0;
            if (Math.Max(device.index, 0) >= count)
            {
                throw new InvalidOperationException($"The device '{name}' was asked for, but libtorch finds {count} CUDA devices.");
            }
        }

        return device;
    }

    private enum PassKind
    {
        Plain,
        Attention,
        Gradients,
    }
}
