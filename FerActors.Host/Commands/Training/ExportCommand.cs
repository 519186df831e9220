using System.CommandLine;
using System.Globalization;
using FerActors.Inference.Models;
using FerActors.Vision.Export;

namespace FerActors.Host.Commands.Training;

/// <summary><c>fer export</c>: a model folder in the forms that other programs load.</summary>
internal static class ExportCommand
{
    public static Command Create() => new("export", "Writes a model for other programs, after the answers were compared with libtorch's.")
    {
        Onnx(),
        Transformers(),
    };

    private static Command Onnx()
    {
        var (model, file) = (Model(), new Argument<string>("file") { Description = "The ONNX file to write; one that is there is replaced." });
        var command = new Command("onnx", "Writes one ONNX file: weights, labels, normalisation, temperature, version and digest.") { model, file };
        command.SetAction((parsed, cancellation) => RunAsync(
            () => OnnxExport.Write(parsed.GetRequiredValue(model), parsed.GetRequiredValue(file)), "ONNX Runtime", parsed.GetRequiredValue(file), cancellation));
        return command;
    }

    private static Command Transformers()
    {
        var (model, folder) = (Model(), new Argument<string>("folder") { Description = "The folder to make; it must not exist, or be empty." });
        var command = new Command("transformers", "Writes a folder that Hugging Face's transformers loads, with the code of the stem where the model has one.") { model, folder };
        command.SetAction((parsed, cancellation) => RunAsync(
            () => TransformersExport.Write(parsed.GetRequiredValue(model), parsed.GetRequiredValue(folder)), "The exported folder", parsed.GetRequiredValue(folder), cancellation));
        return command;
    }

    private static Argument<string> Model() => new("model") { Description = "Model folder." };

    // On a thread of its own, for OpenMP's sake (see Trainer).
    private static async Task<int> RunAsync(Func<ExportComparison> export, string what, string written, CancellationToken cancellation)
    {
        var seen = await Task.Factory.StartNew(export, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what} answers as libtorch does on {seen.Crops} drawn faces: logits differ by at most {seen.LogitDifference:0.0e+0}, probabilities by at most {seen.ProbabilityDifference:0.0e+0}."));
        Console.WriteLine($"Written: {written}");
        return 0;
    }
}
