using System.Diagnostics;

namespace FerActors.Host.Benchmarks;

/// <summary>This program once more, as a process of its own.</summary>
internal static class FerProgram
{
    public static ProcessStartInfo Start(IEnumerable<string> arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "fer.dll");
        var self = Environment.ProcessPath;
        return Path.GetFileNameWithoutExtension(self) == "fer"
            ? new ProcessStartInfo(self!, arguments)
            : new ProcessStartInfo("dotnet", [program, .. arguments]);
    }
}
