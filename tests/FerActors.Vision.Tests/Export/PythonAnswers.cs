using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace FerActors.Vision.Tests.Export;

/// <summary>What Python says with an exported folder, where it has PyTorch.</summary>
/// <param name="Library">transformers and its version, or the stand-in for it.</param>
/// <param name="Probabilities">Crops x labels.</param>
/// <param name="Layers">Layers whose attention came with the answer.</param>
/// <param name="Loss">Mean cross entropy of the first class.</param>
internal sealed record PythonAnswers(string Library, float[][] Probabilities, int Layers, double Loss)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private static readonly string Scripts = Path.Combine(AppContext.BaseDirectory, "Export", "Python");

    // The second where another Python stands before the system's, to which Debian's packages belong.
    private static readonly Lazy<string?> Python = new(() => new[] { "python3", "/usr/bin/python3" }.FirstOrDefault(HasTorch));

    /// <summary>Skips the test where there is no Python with PyTorch.</summary>
    public static PythonAnswers Of(string folder, IReadOnlyList<byte[]> crops, int side)
    {
        Skip.If(Python.Value is null, "No python3 with torch and numpy, which scripts/prepare peer installs.");
        var file = folder + ".crops";
        File.WriteAllBytes(file, [.. crops.SelectMany(crop => crop)]);
        var (code, output, errors) = Run(Python.Value!, Path.Combine(Scripts, "answer.py"), folder, file, side.ToString(CultureInfo.InvariantCulture));
        Assert.True(code == 0, errors);
        return JsonSerializer.Deserialize<PythonAnswers>(output, Json)!;
    }

    private static bool HasTorch(string python)
    {
        try
        {
            return Run(python, "-c", "import torch, numpy").Code == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static (int Code, string Output, string Errors) Run(string python, params string[] arguments)
    {
        var start = new ProcessStartInfo(python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };

        // Nothing is written beside the folder's code, and the test's own libtorch is none of Python's business.
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment.Remove("LD_LIBRARY_PATH");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }
}
