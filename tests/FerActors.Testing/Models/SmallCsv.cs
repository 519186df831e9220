using System.Globalization;
using System.Text;

namespace FerActors.Testing.Models;

/// <summary>FER2013's form with made-up pictures of noise; the labels go round.</summary>
public static class SmallCsv
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">Where.</param>
    /// <param name="training">Training images.</param>
    /// <param name="validation">PublicTest images after them.</param>
    public static string Write(string path, int training, int validation)
    {
        var random = new Random(1);
        var rows = new StringBuilder("emotion,pixels,Usage\n");
        for (var i = 0; i < training + validation; i++)
        {
            var pixels = new byte[48 * 48];
            random.NextBytes(pixels);
            rows.Append(CultureInfo.InvariantCulture, $"{i % 7},{string.Join(' ', pixels)},{(i < training ? "Training" : "PublicTest")}\n");
        }

        File.WriteAllText(path, rows.ToString());
        return path;
    }
}
