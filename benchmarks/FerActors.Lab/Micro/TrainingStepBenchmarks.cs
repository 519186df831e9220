using BenchmarkDotNet.Attributes;
using FerActors.Training.Engine;
using FerActors.Vision.Model;
using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Lab.Micro;

/// <summary>Forward and backward of 64 images on one thread, by preset and type: what a training step costs beside the optimiser.</summary>
public class TrainingStepBenchmarks
{
    private const int Batch = 64;

    private Vit? _model;
    private VitForwardOptions _options = VitForwardOptions.Serving;
    private Tensor? _pixels;
    private Tensor? _labels;

    [Params(ModelPresets.Conv, ModelPresets.Hybrid, ModelPresets.Residual, ModelPresets.Patch)]
    public string Preset { get; set; } = ModelPresets.Conv;

    [Params("fp32", "bf16")]
    public string Compute { get; set; } = "fp32";

    [GlobalSetup]
    public void SetUp()
    {
        TorchRuntime.EnsureLoaded();
        set_num_threads(1);
        _model = Vit.Create(ModelPresets.Get(Preset), 1);
        foreach (var tensor in _model.Tensors.Values)
        {
            tensor.requires_grad_(true);
        }

        _options = new VitForwardOptions(Compute == "bf16" ? ScalarType.BFloat16 : ScalarType.Float32, null);
        _pixels = randn(Batch, 1, 48, 48);
        _labels = arange(Batch).remainder(7);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _model?.Dispose();
        _pixels?.Dispose();
        _labels?.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public void Image()
    {
        using var scope = NewDisposeScope();
        nn.functional.cross_entropy(_model!.Forward(_pixels!, _options), _labels!).backward();
        foreach (var tensor in _model.Tensors.Values)
        {
            tensor.grad?.zero_();
        }
    }
}
