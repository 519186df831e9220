using BenchmarkDotNet.Attributes;
using FerActors.Inference.Models;
using FerActors.Shared.Options;

namespace FerActors.Lab.Micro;

/// <summary>One forward pass of the shipped model with its pre- and postprocessing, by batch size and type, on one thread.</summary>
[MemoryDiagnoser]
public class ModelBenchmarks
{
    private VitExpressionModel? _model;
    private FaceCrop[] _crops = [];

    [Params(1, 8, 32)]
    public int Batch { get; set; }

    [Params("fp32", "bf16")]
    public string Precision { get; set; } = "fp32";

    [GlobalSetup]
    public void SetUp()
    {
        _model = VitExpressionModel.Load(new ModelOptions { Engine = ModelOptions.LibTorch, Precision = Precision, Threads = 1, ParityTolerance = 1 }, [Batch]);
        _crops = NoiseCrops.Make(Batch, _model.InputSide, seed: 1);
    }

    [GlobalCleanup]
    public void CleanUp() => _model?.Dispose();

    [Benchmark]
    public IReadOnlyList<FacePrediction> Predict() => _model!.Predict(_crops);
}
