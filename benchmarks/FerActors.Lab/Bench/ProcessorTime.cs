using System.Diagnostics;
using System.Globalization;

namespace FerActors.Lab.Bench;

/// <summary>Processor seconds used so far by this process, by the nodes, and by the whole machine.</summary>
/// <remarks>
/// The generator, the broker and the node share the machine's cores, so a wall-clock ratio charges the node for what the other two use.
/// Processor time an image says what the node itself adds to the raw pipeline, and hardly changes when others are busy too.
/// </remarks>
/// <param name="Own">This process.</param>
/// <param name="Nodes">The nodes.</param>
/// <param name="Machine">Every process and the kernel; not a number where the system does not say.</param>
internal readonly record struct ProcessorTime(double Own, double Nodes, double Machine)
{
    // Linux reports in hundredths of a second, whatever the kernel's own clock.
    private const double TicksPerSecond = 100;

    /// <summary>Neither the generator nor the nodes: on a quiet machine, the broker and the network.</summary>
    public double Others => Math.Max(0, Machine - Own - Nodes);

    public static ProcessorTime Now(IEnumerable<Process> nodes)
    {
        using var own = Process.GetCurrentProcess();
        return new ProcessorTime(own.TotalProcessorTime.TotalSeconds, nodes.Sum(Used), OfMachine());
    }

    public static ProcessorTime operator -(ProcessorTime later, ProcessorTime earlier) =>
        new(later.Own - earlier.Own, later.Nodes - earlier.Nodes, later.Machine - earlier.Machine);

    /// <summary>Busy seconds in the first line of <c>/proc/stat</c>: all but idle and waiting for disks.</summary>
    internal static double ReadStat(string firstLine)
    {
        var numbers = firstLine.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(n => long.Parse(n, CultureInfo.InvariantCulture)).ToArray();

        // user nice system idle iowait irq softirq steal; guests are in user already.
        return (numbers[0] + numbers[1] + numbers[2] + numbers[5] + numbers[6]) / TicksPerSecond;
    }

    private static double Used(Process process)
    {
        process.Refresh();
        return process.HasExited ? 0 : process.TotalProcessorTime.TotalSeconds;
    }

    private static double OfMachine() =>
        OperatingSystem.IsLinux() ? ReadStat(File.ReadLines("/proc/stat").First()) : double.NaN;
}
