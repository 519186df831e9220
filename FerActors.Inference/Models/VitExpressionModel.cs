using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace FerActors.Inference.Models;

/// <summary>A Vision Transformer that serves: gray crops in, calibrated probabilities in FER2013 order out.</summary>
public sealed class VitExpressionModel : IExpressionModel
{
    private readonly Vit _model;
    private readonly LabelMap _labels;
    private readonly GrayNormalisation _normalisation;

    private VitExpressionModel(Vit model, PreprocessorConfig preprocessor, ModelIdentity identity)
    {
        _model = model;
        _labels = LabelMap.Create(model.Config.Labels);
        _normalisation = new GrayNormalisation(preprocessor);
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
        using var checkpoint = VitCheckpoint.Load(options.Path);
        var device = new Device(options.Device);
        if (device.type == DeviceType.CUDA && !cuda.is_available())
        {
            throw new InvalidOperationException($"The device '{options.Device}' was asked for, but libtorch finds no CUDA device.");
        }

        if (options.Threads > 0)
        {
            set_num_threads(options.Threads);
        }

        var config = checkpoint.Model.Config;
        var identity = new ModelIdentity(
            config.FerActors.Name ?? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(options.Path)),
            config.FerActors.Version ?? checkpoint.WeightsSha256[..12],
            checkpoint.WeightsSha256);
        VitExpressionModel In(ScalarType type) => new(checkpoint.Model.To(type, device), checkpoint.Preprocessor, identity);

        var chosen = options.Precision switch
        {
            "fp32" => In(ScalarType.Float32),
            "bf16" => RequireParity(In(ScalarType.Float32), In(ScalarType.BFloat16), options.ParityTolerance),
            _ => PrecisionTrial.Choose(In(ScalarType.Float32), In(ScalarType.BFloat16), options.ParityTolerance, warmUpBatches.DefaultIfEmpty(1).Max()),
        };
        foreach (var size in warmUpBatches)
        {
            chosen.Predict(PrecisionTrial.Probe(chosen.InputSide, size));
        }

        return chosen;
    }

    public IReadOnlyList<FacePrediction> Predict(IReadOnlyList<FaceCrop> crops)
    {
        ArgumentNullException.ThrowIfNull(crops);
        var area = InputSide * InputSide;
        var planes = new float[crops.Count * _normalisation.Channels * area];
        for (var i = 0; i < crops.Count; i++)
        {
            if (crops[i].Gray.Length != area)
            {
                throw new ArgumentException($"A crop has {crops[i].Gray.Length} pixels; the model takes {area}.", nameof(crops));
            }

            _normalisation.Apply(crops[i].Gray, planes.AsSpan(i * _normalisation.Channels * area, _normalisation.Channels * area));
        }

        // A pass with attention maps is slower for all of its batch, so it is only taken where somebody asked.
        var attention = crops.Any(c => c.WantsAttention);
        var (logits, layers) = Run(planes, crops.Count, attention);
        return crops.Select((crop, i) => new FacePrediction(
            Probabilities(logits.AsSpan(i * ExpressionNames.Count, ExpressionNames.Count)),
            crop.WantsAttention ? Rollout(layers, i) : null)).ToList();
    }

    public void Dispose() => _model.Dispose();

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
        var temperature = _model.Config.FerActors.Temperature;
        var highest = ordered.Max();
        var sum = 0.0;
        var powers = new double[ordered.Length];
        for (var i = 0; i < ordered.Length; i++)
        {
            powers[i] = Math.Exp((ordered[i] - highest) / temperature);
            sum += powers[i];
        }

        if (!double.IsFinite(sum))
        {
            throw new ModelFailureException("The model gave logits that are not finite.");
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

    private static VitExpressionModel RequireParity(VitExpressionModel exact, VitExpressionModel half, double tolerance)
    {
        using (exact)
        {
            var difference = PrecisionTrial.Difference(exact, half);
            if (difference <= tolerance)
            {
                return half;
            }

            half.Dispose();
            throw new InvalidOperationException(
                $"In bf16 the model's probabilities differ from fp32 by up to {difference:0.000}, more than {tolerance:0.000}. Use precision fp32.");
        }
    }
}
