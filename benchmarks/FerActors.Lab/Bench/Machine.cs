using System.Globalization;

namespace FerActors.Lab.Bench;

/// <summary>What figures were measured on.</summary>
internal static class Machine
{
    /// <summary>Processor, cores, and the load average: above about 0.5 others were busy, and the figures are lower than they could be.</summary>
    public static string Describe()
    {
        var (name, load) = ("unknown processor", "");
        if (OperatingSystem.IsLinux())
        {
            name = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? name;
            load = $", load average before {File.ReadAllText("/proc/loadavg").Split(' ')[0]}";
        }

        return string.Create(CultureInfo.InvariantCulture, $"{name}, {Environment.ProcessorCount} cores{load}");
    }
}
