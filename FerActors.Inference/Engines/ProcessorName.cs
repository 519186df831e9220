using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace FerActors.Inference.Engines;

/// <summary>Names the machine's processor, so that what was measured on one is not believed on another.</summary>
internal static class ProcessorName
{
    private const string LinuxFile = "/proc/cpuinfo";

    // A virtual machine may call two generations by one name; their instructions tell them apart.
    private static readonly string[] Fields = ["model name", "cpu family", "model", "stepping", "CPU implementer", "CPU part"];
    private static readonly string[] Instructions = ["flags", "Features"];

    /// <summary>The processor of this machine: model, and a digest of its instructions.</summary>
    public static string OfThisMachine()
    {
        try
        {
            return OperatingSystem.IsLinux() ? Read(File.ReadLines(LinuxFile)) : Other();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Other();
        }
    }

    /// <summary>Reads the first processor of <c>/proc/cpuinfo</c>.</summary>
    internal static string Read(IEnumerable<string> lines)
    {
        var first = lines.TakeWhile(line => line.Length > 0)
            .Select(line => line.Split(':', 2, StringSplitOptions.TrimEntries))
            .Where(pair => pair.Length == 2)
            .ToLookup(pair => pair[0], pair => pair[1]);
        var words = Fields.SelectMany(field => first[field]).ToList();
        var instructions = string.Join(' ', Instructions.SelectMany(field => first[field]).SelectMany(value => value.Split(' ')).Order(StringComparer.Ordinal));
        return words.Count == 0
            ? Other()
            : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", words)}, {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(instructions)))[..8]}");
    }

    private static string Other() => $"{RuntimeInformation.ProcessArchitecture}, {Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown"}";
}
