using System.Diagnostics;

namespace FerActors.Lab.Bench;

/// <summary>The programs that lie beside this one, each as a process of its own.</summary>
internal static class FerProgram
{
    /// <summary>The product: <c>fer</c>.</summary>
    public static ProcessStartInfo Start(IEnumerable<string> arguments) => Start("fer", arguments);

    /// <summary>This program once more.</summary>
    public static ProcessStartInfo StartLab(IEnumerable<string> arguments) => Start("fer-lab", arguments);

    private static ProcessStartInfo Start(string program, IEnumerable<string> arguments) =>
        new("dotnet", [Path.Combine(AppContext.BaseDirectory, program + ".dll"), .. arguments]);
}
