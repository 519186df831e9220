using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
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

    private VitExpressionModel(Vit model, LabelMap labels, GrayNormalisation normalisation, ModelIdentity identity)
    {
        _model = model;
        _labels = labels;
        _normalisation = normalisation;
        Identity = identity;
    }

    public ModelIdentity Identity { get; }

    public int InputSide => _model.Config.ImageSize;

    /// <summary>The type in which it computes.</summary>
    public ScalarType ComputeType => _model.DType;

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
        if (options.Threads > 0)
        {
            set_num_threads(options.Threads);
        }

        var config = checkpoint.Model.Config;
        var identity = new ModelIdentity(
            config.FerActors.Name ?? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(options.Path)),
            version ?? config.FerActors.Version ?? checkpoint.WeightsSha256[..12],
            checkpoint.WeightsSha256);
        var labels = LabelMap.Create(config.Labels);
        var normalisation = new GrayNormalisation(checkpoint.Preprocessor);
        VitExpressionModel In(ScalarType type) => new(checkpoint.Model.To(type, device), labels, normalisation, identity);

        return options.Precision switch
        {
            "fp32" => In(ScalarType.Float32),
            "bf16" => OneOf(In, (exact, half) => PrecisionTrial.RequireParity(exact, half, options.ParityTolerance)),
            _ => OneOf(In, (exact, half) => PrecisionTrial.Choose(exact, half, options.ParityTolerance, trialBatch)),
        };
    }

    /// <summary>Runs a batch of this size; the first pass of each size is slow.</summary>
    internal void WarmUp(int size) => Predict(PrecisionTrial.Probe(InputSide, size));

    public IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops)
    {
        ArgumentNullException.ThrowIfNull(crops);
        var area = InputSide * InputSide;
        foreach (var crop in crops)
        {
            if (crop.Gray.Length != area)
            {
                throw new ArgumentException($"A crop has {crop.Gray.Length} pixels; the model takes {area}.", nameof(crops));
            }
        }

        // A pass with attention maps is slower for all of its batch, so it is only taken for those who asked.
        var predictions = new FacePrediction[crops.Count];
        var groups = Enumerable.Range(0, crops.Count).ToLookup(i => crops[i].WantsAttention);
        if (groups[false].Any())
        {
            Pass(crops, groups[false].ToArray(), attention: false, predictions);
        }

        foreach (var slice in groups[true].Chunk(AttentionBatch))
        {
            Pass(crops, slice, attention: true, predictions);
        }

        return predictions;
    }

    public void Dispose() => _model.Dispose();

    // One forward pass over the crops with these numbers.
    private void Pass(IReadOnlyList<FaceCrop> crops, int[] numbers, bool attention, FacePrediction[] predictions)
    {
        var image = _normalisation.Channels * InputSide * InputSide;
        var planes = new float[numbers.Length * image];
        for (var i = 0; i < numbers.Length; i++)
        {
            _normalisation.Apply(crops[numbers[i]].Gray, planes.AsSpan(i * image, image));
        }

        var (logits, layers) = Run(planes, numbers.Length, attention);
        for (var i = 0; i < numbers.Length; i++)
        {
            predictions[numbers[i]] = new FacePrediction(
                Probabilities(logits.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count)),
                attention ? Rollout(layers, i) : null);
        }
    }

    private (float[] Logits, List<float[]> Layers) Run(float[] planes, int count, bool attention)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var pixels = tensor(planes, [count, _normalisation.Channels, InputSide, InputSide], device: _model.Device);
        if (!attention)
        {
            return (_model.Forward(pixels).cpu().data<float>().ToArray(), []);
        }

        var (logits, layers) = _model.ForwardWithAttention(pixels);
        return (logits.cpu().data<float>().ToArray(), layers.Select(l => l.mean([1]).cpu().data<float>().ToArray()).ToList());
    }

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

    private AttentionMap Rollout(List<float[]> layers, int image)
    {
        var tokens = _model.Config.SequenceLength;
        var own = layers.Select(l => l.AsSpan(image * tokens * tokens, tokens * tokens).ToArray()).ToList();
        return AttentionRollout.Compute(own, _model.Grid);
    }

    // Of the two copies, the one that is not chosen is disposed, and both are where none is.
    private static VitExpressionModel OneOf(
        Func<ScalarType, VitExpressionModel> copy, Func<VitExpressionModel, VitExpressionModel, VitExpressionModel> choose)
    {
        VitExpressionModel? exact = null, half = null, chosen = null;
        try
        {
            exact = copy(ScalarType.Float32);
            half = copy(ScalarType.BFloat16);
            return chosen = choose(exact, half);
        }
        finally
        {
            foreach (var other in new[] { exact, half }.Where(c => c != chosen))
            {
                other?.Dispose();
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
}
