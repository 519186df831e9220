using BenchmarkDotNet.Attributes;
using FerActors.Inference.Models;
using FerActors.Shared.Options;

namespace FerActors.Benchmarks;

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
        _model = VitExpressionModel.Load(new ModelOptions { Precision = Precision, Threads = 1, ParityTolerance = 1 }, [Batch]);
        var random = new Random(1);
        _crops = Enumerable.Range(0, Batch).Select(_ =>
        {
            var gray = new byte[_model.InputSide * _model.InputSide];
            random.NextBytes(gray);
            return new FaceCrop(gray);
        }).ToArray();
    }

    [GlobalCleanup]
    public void CleanUp() => _model?.Dispose();

    [Benchmark]
    public IReadOnlyList<FacePrediction> Predict() => _model!.Predict(_crops);
}
