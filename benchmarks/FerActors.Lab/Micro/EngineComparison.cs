using System.Diagnostics;
using System.Globalization;
using FerActors.Inference.Models;
using FerActors.Shared.Options;

namespace FerActors.Lab.Micro;

/// <summary>libtorch and ONNX Runtime as a node would run them on the same model, in turn, batch by batch, with pre- and postprocessing.</summary>
internal static class EngineComparison
{
    // An engine so many times as slow as the fastest (bf16 on a processor that has none) has few turns: minutes would not tell more.
    private const double Hopeless = 5;
    private const int TurnsOfTheHopeless = 3;

    private static readonly int[] Batches = [1, 2, 4, 8, 16, 32];

    /// <summary>Prints the median time of a batch for each engine and the ratios.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="rounds">How often the engines take turns.</param>
    /// <exception cref="InvalidOperationException">They do not agree.</exception>
    public static void Run(string folder, int rounds)
    {
        var options = new ModelOptions { Path = folder, Engine = ModelOptions.LibTorch };
        using var exact = VitExpressionModel.Load(options with { Precision = "fp32" }, Batches);
        using var half = VitExpressionModel.Load(options with { Precision = "bf16" }, Batches);
        using var onnx = VitExpressionModel.Load(options with { Engine = ModelOptions.OnnxRuntime, ParityTolerance = 1e-3 }, Batches);
        Console.WriteLine($"ms a batch, medians of {rounds} rounds, {Environment.ProcessorCount} threads each");
        Console.WriteLine();
        Console.WriteLine("| Batch | libtorch fp32 | libtorch bf16 | ONNX Runtime fp32 | fp32 / ONNX Runtime | the better / ONNX Runtime (bar 1.2) |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var batch in Batches)
        {
            var crops = NoiseCrops.Make(batch, exact.InputSide, seed: batch);
            VitExpressionModel[] engines = [exact, half, onnx];
            var times = engines.Select(_ => new List<double>()).ToArray();
            for (var round = 0; round < rounds; round++)
            {
                var fastest = times.Min(t => t.Count > 0 ? t.Min() : double.MaxValue);
                for (var e = 0; e < engines.Length; e++)
                {
                    if (times[e].Count >= TurnsOfTheHopeless && times[e].Min() > Hopeless * fastest)
                    {
                        continue;
                    }

                    engines[e].Predict(crops);
                    var watch = Stopwatch.StartNew();
                    engines[e].Predict(crops);
                    times[e].Add(watch.Elapsed.TotalMilliseconds);
                }
            }

            var (fp32, bf16, ort) = (Median(times[0]), Median(times[1]), Median(times[2]));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {batch} | {fp32:0.00} | {bf16:0.00} | {ort:0.00} | {fp32 / ort:0.00} | {Math.Min(fp32, bf16) / ort:0.00} |"));
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
