using System.Diagnostics;
using System.Globalization;
using FerActors.Inference.Onnx;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Benchmarks;

/// <summary>libtorch and ONNX Runtime on the same exported model, in turn, batch by batch.</summary>
internal static class EngineComparison
{
    private const double Tolerance = 1e-3;

    private static readonly int[] Batches = [1, 2, 4, 8, 16, 32];

    /// <summary>Prints the median time of a batch for each engine and the ratios.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="rounds">How often the engines take turns.</param>
    /// <exception cref="InvalidOperationException">They do not agree.</exception>
    public static void Run(string folder, int rounds)
    {
        using var checkpoint = VitCheckpoint.Load(folder);
        var threads = Environment.ProcessorCount;
        set_num_threads(threads);
        using var exact = checkpoint.Model.To(ScalarType.Float32, CPU);
        using var half = checkpoint.Model.To(ScalarType.BFloat16, CPU);
        using var onnx = new OnnxEngine(OnnxVit.Export(exact), threads);
        Console.WriteLine($"ms a batch, medians of {rounds} rounds, {threads} threads each");
        Console.WriteLine();
        Console.WriteLine("| Batch | libtorch fp32 | libtorch bf16 | ONNX Runtime fp32 | fp32 / ONNX Runtime | the better / ONNX Runtime (bar 1.2) |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var batch in Batches)
        {
            var config = checkpoint.Model.Config;
            long[] shape = [batch, config.NumChannels, config.ImageSize, config.ImageSize];
            var pixels = new float[shape.Aggregate(1L, (a, b) => a * b)];
            var random = new Random(batch);
            for (var i = 0; i < pixels.Length; i++)
            {
                pixels[i] = (random.NextSingle() * 2) - 1;
            }

            Func<float[]>[] engines = [() => Torch(exact, pixels, shape), () => Torch(half, pixels, shape), () => onnx.Run(pixels, shape).Logits];
            var difference = engines[0]().Zip(engines[2](), (a, b) => Math.Abs(a - b)).Max();
            if (!(difference < Tolerance))
            {
                throw new InvalidOperationException($"The logits of libtorch and ONNX Runtime differ by {difference}.");
            }

            var times = engines.Select(_ => new List<double>()).ToArray();
            for (var round = 0; round < rounds; round++)
            {
                for (var e = 0; e < engines.Length; e++)
                {
                    engines[e]();
                    var watch = Stopwatch.StartNew();
                    engines[e]();
                    times[e].Add(watch.Elapsed.TotalMilliseconds);
                }
            }

            var (fp32, bf16, ort) = (Median(times[0]), Median(times[1]), Median(times[2]));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {batch} | {fp32:0.00} | {bf16:0.00} | {ort:0.00} | {fp32 / ort:0.00} | {Math.Min(fp32, bf16) / ort:0.00} |"));
        }
    }

    private static float[] Torch(Vit model, float[] pixels, long[] shape)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        return model.Forward(tensor(pixels, shape)).data<float>().ToArray();
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
