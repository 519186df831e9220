using FerActors.Inference.Engines;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Inference.Models;

/// <summary>A Vision Transformer that serves: gray crops in, calibrated probabilities in FER2013 order out.</summary>
public sealed class VitExpressionModel : IExpressionModel
{
    // An attention pass holds the weights of every layer and head at once, for ViT-B 22 MB a face.
    private const int AttentionBatch = 8;

    private readonly TorchEngine _torch;
    private readonly EngineTable _table;
    private readonly LabelMap _labels;
    private readonly GrayNormalisation _normalisation;
    private readonly string _augmentation;

    /// <param name="torch">Computes the passes with attention or gradients. The model owns it.</param>
    /// <param name="table">Computes the plain passes; may name <paramref name="torch"/>. The model owns its engines.</param>
    /// <param name="engines">How the engines of the table came about.</param>
    /// <param name="augmentation">Views of a face, as the options name them.</param>
    /// <param name="labels">The network's outputs.</param>
    /// <param name="normalisation">What the network's input looks like.</param>
    /// <param name="identity">What results say of the model.</param>
    internal VitExpressionModel(
        TorchEngine torch, EngineTable table, EngineReport engines, string augmentation, LabelMap labels, GrayNormalisation normalisation, ModelIdentity identity)
    {
        (_torch, _table, Engines) = (torch, table, engines);
        _augmentation = augmentation;
        _labels = labels;
        _normalisation = normalisation;
        Identity = identity;
    }

    public ModelIdentity Identity { get; }

    public EngineReport Engines { get; }

    public int InputSide => Network.Config.ImageSize;

    /// <summary>The type in which libtorch computes.</summary>
    public ScalarType ComputeType => Network.DType;

    /// <summary>The engines that go with the model.</summary>
    internal IEnumerable<IForwardEngine> Owned => _table.Engines.Append(_torch).Distinct();

    private Vit Network => _torch.Model;

    /// <summary>Loads a model folder onto the first device of the options, and warms it up.</summary>
    /// <param name="options">Folder, engine, precision and devices.</param>
    /// <param name="warmUpBatches">Batch sizes to run before the model is handed out; the first pass of each size is slow.</param>
    /// <exception cref="Exception">The folder or the device cannot be used; the message says why.</exception>
    public static VitExpressionModel Load(ModelOptions options, IReadOnlyList<int> warmUpBatches) =>
        (VitExpressionModel)ModelInstances.Load(options, [ModelInstances.Places(options)[0]], warmUpBatches)[0];

    /// <summary>Loads a model folder without warming it up.</summary>
    /// <param name="options">Folder, engine and precision.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="largest">Size of the largest batch with which precisions and engines are compared.</param>
    /// <param name="version">The version's name in the registry; absent takes what the folder says.</param>
    internal static VitExpressionModel LoadCold(ModelOptions options, string device, int largest, string? version)
    {
        var place = ModelInstances.Find(device);
        using var checkpoint = VitCheckpoint.Load(options.Path);
        return new ModelAssembly(options, checkpoint, place, version, TimeProvider.System).Build(largest);
    }

    /// <summary>The model once more, over the same weights, for another thread at the same time. Both are to be disposed.</summary>
    public VitExpressionModel Another()
    {
        var torch = (TorchEngine)_torch.Share();
        return new VitExpressionModel(
            torch, _table.Select(engine => engine == _torch ? torch : engine.Share()), Engines, _augmentation, _labels, _normalisation, Identity);
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
        foreach (var engine in Owned)
        {
            engine.Dispose();
        }
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
                Embedding = embeddings?.AsSpan(i * Network.Config.HiddenSize, Network.Config.HiddenSize).ToArray(),
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
            return ExplanationGrid.Of(wanted.Method, null, [.. Rollout(layers, image).Values.Select(value => (double)value)], Network.Grid);
        }

        var label = wanted.Label ?? (Expression)Array.IndexOf(probabilities, probabilities.Max());
        return ExplanationGrid.Of(wanted.Method, label, GradientRollout.Compute(Own(weighted, image), Network.Config.SequenceLength), Network.Grid);
    }

    // Logits, and for each layer what of its attention was asked for, averaged over the heads: [image, token, token].
    private (float[] Logits, List<float[]> Layers, List<float[]> Weighted, float[]? Embeddings) Run(
        float[] planes, List<FaceCrop> crops, PassKind kind)
    {
        if (kind == PassKind.Plain)
        {
            var (values, tokens) = _table.Of(crops.Count).Run(planes, crops.Count);
            return (values, [], [], tokens);
        }

        set_num_threads(_torch.ThreadsOfAPart);
        using var scope = NewDisposeScope();
        if (kind == PassKind.Gradients)
        {
            var (outputs, attention, gradients) = Network.ForwardWithGradients(_torch.Pixels(planes, crops.Count), values => Chosen(values, crops));
            var weighted = attention.Zip(gradients, (weights, gradient) => Values((weights * gradient).relu().mean([1])));
            return (Values(outputs), attention.Select(weights => Values(weights.mean([1]))).ToList(), weighted.ToList(), null);
        }

        using var inference = inference_mode();
        var (logits, layers) = Network.ForwardWithAttention(_torch.Pixels(planes, crops.Count));
        return (Values(logits), layers.Select(weights => Values(weights.mean([1]))).ToList(), [], null);
    }

    // The output that each crop wants explained: that of an expression, or the highest. Outputs may stand in another order than FER2013's.
    private Tensor Chosen(Tensor outputs, List<FaceCrop> crops)
    {
        var highest = outputs.argmax(1).cpu().data<long>().ToArray();
        var named = crops.Select((crop, i) => crop.Explain?.Label is { } label ? Array.IndexOf(_labels.OutputToExpression, (int)label) : highest[i]);
        return tensor(named.ToArray(), device: Network.Device);
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

        var temperature = Network.Config.FerActors.Temperature;
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

    private AttentionMap Rollout(List<float[]> layers, int image) => AttentionRollout.Compute(Own(layers, image), Network.Grid);

    private List<float[]> Own(List<float[]> layers, int image)
    {
        var tokens = Network.Config.SequenceLength;
        return layers.Select(l => l.AsSpan(image * tokens * tokens, tokens * tokens).ToArray()).ToList();
    }

    private enum PassKind
    {
        Plain,
        Attention,
        Gradients,
    }
}
