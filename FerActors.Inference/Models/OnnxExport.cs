using System.Globalization;
using System.Reflection;
using System.Text.Json;
using FerActors.Shared.Files;
using FerActors.Vision.Checkpoints;
using FerActors.Vision.Export;
using FerActors.Vision.Model;
using FerActors.Vision.Onnx;

namespace FerActors.Inference.Models;

/// <summary>Writes a model folder as one ONNX file for other programs, after ONNX Runtime has given the same answers as libtorch.</summary>
/// <remarks>
/// Input <c>pixels</c>: gray values that are normalised as the metadata say, fp32 [batch, channels, side, side]. Outputs: <c>logits</c>
/// [batch, labels], <c>embedding</c> [batch, hidden] and <c>probabilities</c> [batch, labels], calibrated with the folder's temperature.
/// </remarks>
public static class OnnxExport
{
    /// <summary>Largest difference of a logit or a probability between ONNX Runtime and libtorch, both in fp32.</summary>
    public const double Tolerance = 1e-3;

    // A protobuf message has at most 2 GiB; what is not weights takes less than a tenth of it.
    private const long MaxParameters = 480_000_000;

    /// <summary>Writes the file; one that is there is replaced as a whole, and stays where the export fails.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="file">The ONNX file.</param>
    /// <returns>What was seen in the comparison.</returns>
    /// <exception cref="CheckpointException">The folder cannot be used, or its network is too large for one ONNX file.</exception>
    /// <exception cref="InvalidOperationException">The answers of ONNX Runtime differ from libtorch's; nothing was written.</exception>
    public static ExportComparison Write(string folder, string file)
    {
        using var checkpoint = VitCheckpoint.Load(folder);
        if (checkpoint.Model.Config.ParameterCount > MaxParameters)
        {
            throw new CheckpointException($"The network has {checkpoint.Model.Config.ParameterCount} parameters; one ONNX file holds {MaxParameters} at most.");
        }

        var version = typeof(OnnxExport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        var bytes = OnnxVit.Export(checkpoint.Model, ("FerActors", version), Metadata(checkpoint));
        var comparison = Compare(checkpoint, bytes);
        comparison.EnsureWithin(Tolerance, "ONNX Runtime");
        AtomicFile.Write(file, stream => stream.Write(bytes));
        return comparison;
    }

    /// <summary>The answers of an ONNX file beside libtorch's, on drawn faces in batches of one and of several.</summary>
    internal static ExportComparison Compare(VitCheckpoint checkpoint, byte[] onnx)
    {
        var faces = DrawnFaces.Of(checkpoint.Model.Config.ImageSize);
        var expected = ExportAnswers.Of(checkpoint, faces);
        var normalisation = new GrayNormalisation(checkpoint.Preprocessor);
        var (channels, side) = (normalisation.Channels, checkpoint.Model.Config.ImageSize);
        using var engine = new OnnxEngine(onnx, [channels, side, side], threads: 1);

        // The first face alone, the others together: a batch that was frozen into the graph would not take both.
        ExportAnswers actual = new([], []);
        foreach (var part in new[] { faces.Take(1).ToList(), faces.Skip(1).ToList() })
        {
            var pixels = new float[part.Count * channels * side * side];
            foreach (var (i, face) in part.Index())
            {
                normalisation.Apply(face, pixels.AsSpan(i * channels * side * side, channels * side * side));
            }

            var (logits, _, probabilities) = engine.RunNamed(pixels, part.Count);
            actual = new ExportAnswers([.. actual.Logits, .. logits], [.. actual.Probabilities, .. probabilities]);
        }

        return ExportComparison.Between(expected, actual, faces.Count);
    }

    private static Dictionary<string, string> Metadata(VitCheckpoint checkpoint)
    {
        var (config, preprocessor) = (checkpoint.Model.Config, checkpoint.Preprocessor);
        var factor = preprocessor.DoRescale ? preprocessor.RescaleFactor : 1;
        IEnumerable<double> Each(IReadOnlyList<double> values, double otherwise) => preprocessor.DoNormalize ? values : values.Select(_ => otherwise);
        return new Dictionary<string, string>
        {
            ["name"] = config.FerActors.Name ?? "",
            ["version"] = config.FerActors.Version ?? "",
            ["labels"] = JsonSerializer.Serialize(config.Labels),
            ["temperature"] = config.FerActors.Temperature.ToString("R", CultureInfo.InvariantCulture),
            ["calibrated_on"] = config.FerActors.CalibratedOn ?? "labels",
            ["weights_sha256"] = checkpoint.WeightsSha256,
            ["input"] = string.Create(
                CultureInfo.InvariantCulture,
                $"An aligned face, gray, {config.ImageSize} x {config.ImageSize}, in each of {config.NumChannels} channel(s): (gray * rescale_factor - image_mean) / image_std"),
            ["rescale_factor"] = factor.ToString("R", CultureInfo.InvariantCulture),
            ["image_mean"] = JsonSerializer.Serialize(Each(preprocessor.ImageMean, 0)),
            ["image_std"] = JsonSerializer.Serialize(Each(preprocessor.ImageStd, 1)),
            ["image_size"] = config.ImageSize.ToString(CultureInfo.InvariantCulture),
        };
    }
}
