using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FerActors.Inference.Models;
using FerActors.Lab.Bench;
using FerActors.Shared.Labels;
using FerActors.Shared.Options;
using FerActors.Testing.Processes;
using FerActors.Vision.Configuration;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Lab.Tests.Bench;

/// <summary>
/// The bench's plain consumer computes the node's model: with PyTorch where it is installed, and by its reference in NumPy, which
/// shares all but the operations themselves, everywhere else.
/// </summary>
public sealed class PlainConsumerSpecs : IDisposable
{
    private const string Python = "/usr/bin/python3";
    private const double Tolerance = 1e-3;

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-plain-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("numpy")]
    [InlineData("torch")]
    public async Task The_plain_consumer_gives_the_shipped_models_answers(string library) =>
        await AgreesAsync(library, Surroundings.ShippedModel);

    [SkippableTheory]
    [InlineData(null, false)]
    [InlineData(StemNorm.Group, false)]
    [InlineData(StemNorm.Group, true)]
    [InlineData(StemNorm.None, false)]
    [InlineData(StemNorm.None, true)]
    public async Task The_plain_consumer_computes_every_form_of_the_model(StemNorm? norm, bool residual)
    {
        var config = new VitConfig
        {
            ImageSize = 16,
            PatchSize = 4,
            NumChannels = 1,
            HiddenSize = 16,
            NumHiddenLayers = 2,
            NumAttentionHeads = 2,
            IntermediateSize = 24,
            Labels = LabelMap.Fer2013Labels,
            ConvStem = norm is { } kind ? new ConvStemConfig([8, 16], ConvsPerStage: 3) { Norm = kind, Residual = residual } : null,
        };
        using (var model = Vit.Create(config, seed: 7))
        {
            // A fresh model has biases of 0 and norms of 1, and hardly tells its images apart.
            using var noGrad = no_grad();
            manual_seed(7);
            foreach (var tensor in model.Tensors.Values)
            {
                using var noise = randn_like(tensor);
                tensor.add_(noise, alpha: 0.3);
            }

            VitCheckpoint.Save(_folder, model, PreprocessorConfig.For(config), half: false);
        }

        await AgreesAsync("numpy", _folder);
    }

    [Fact]
    public void A_consumer_that_is_ready_says_which_blas_it_has()
    {
        var fast = PlainPeerReady.Parse(
            """{"libraries": "torch 1.13, OpenCV 4.6", "blas": "libopenblasp-r0.3.21.so", "detector": "yunet", "threads": 2, "batch": 32}""");

        Assert.True(fast.HasFastBlas);
        Assert.Equal("torch 1.13, OpenCV 4.6, libopenblasp-r0.3.21.so, yunet, 2 thread(s), batches of up to 32", fast.ToString());
        Assert.False((fast with { Blas = PlainPeerReady.ReferenceBlas }).HasFastBlas);
        Assert.False((fast with { Blas = "none" }).HasFastBlas);
    }

    private async Task AgreesAsync(string library, string modelFolder)
    {
        Skip.IfNot(await CanImportAsync(library), $"Python's {library} is not installed");
        using var model = VitExpressionModel.Load(new ModelOptions { Path = modelFolder, Precision = "fp32" }, []);
        var crops = Enumerable.Range(1, 6).Select(n => Crop(n, model.InputSide)).ToList();
        var files = crops.Select((crop, i) => Pgm(Path.Combine(_folder, $"{i}.pgm"), crop, model.InputSide)).ToList();

        string[] with = library == "numpy" ? ["--numpy"] : [];
        var (code, output, errors) = await RunAsync(
            [Path.Combine(Surroundings.Root, "scripts", "peers", "plain_consumer.py"), "--model", modelFolder, .. with, "--crops", .. files]);

        Assert.True(code == 0, errors);
        var answers = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<double[]>(line)!).ToList();
        var expected = model.Predict([.. crops.Select(crop => new FaceCrop(crop))]);
        Assert.Equal(expected.Count, answers.Count);
        for (var i = 0; i < answers.Count; i++)
        {
            var node = expected[i].Probabilities;
            Assert.Equal(node.Length, answers[i].Length);
            Assert.All(answers[i], (plain, label) => Assert.InRange(plain, node[label] - Tolerance, node[label] + Tolerance));
        }

        // A peer that gave the same answer to everything would agree with a model that does.
        Assert.True(answers.Max(a => a[(int)Expression.Happy]) - answers.Min(a => a[(int)Expression.Happy]) > 10 * Tolerance);
    }

    // Each crop has its own waves, so that the answers differ.
    private static byte[] Crop(int number, int side)
    {
        var gray = new byte[side * side];
        for (var i = 0; i < gray.Length; i++)
        {
            var (x, y) = (i % side / (double)side, i / side / (double)side);
            gray[i] = (byte)(128 + (100 * Math.Sin(number * 2 * Math.PI * x) * Math.Cos((7 - number) * Math.PI * y)));
        }

        return gray;
    }

    private static string Pgm(string path, byte[] gray, int side)
    {
        File.WriteAllBytes(path, [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"P5\n{side} {side}\n255\n")), .. gray]);
        return path;
    }

    private static async Task<bool> CanImportAsync(string library) => File.Exists(Python) && (await RunAsync(["-c", $"import {library}"])).Code == 0;

    private static async Task<(int Code, string Output, string Errors)> RunAsync(IReadOnlyList<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await errors);
    }
}
