using System.Diagnostics;
using System.Globalization;

namespace FerActors.Lab.Fuzzing;

/// <summary>
/// Tries inputs in this process and says of each, on a line of its own, what became of it: <c>a</c>ccepted, <c>r</c>efused, or
/// <c>x</c> and the exception. Before each stands its number, so that whoever listens knows which one ended the process.
/// </summary>
internal static class FuzzWorker
{
    /// <summary>Managed bytes that one small input may allocate.</summary>
    private const long MaxAllocated = 512L * 1024 * 1024;

    public static void Run(FuzzTarget target, int seed, int first, int count, TextWriter output)
    {
        for (var i = 0; first == 0 && i < target.Seeds.Count; i++)
        {
            if (Try(target, target.Seeds[i]) is not "a" and var outcome)
            {
                throw new InvalidOperationException($"The target {target.Name} does not accept its good input {i}: {outcome}");
            }
        }

        for (var number = first; number < count; number++)
        {
            output.WriteLine(number.ToString(CultureInfo.InvariantCulture));
            output.Flush();
            output.WriteLine(Try(target, InputMutator.Input(target.Seeds, seed, number)));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak {Process.GetCurrentProcess().PeakWorkingSet64 / 1048576}"));
        output.Flush();
    }

    internal static string Try(FuzzTarget target, byte[] input)
    {
        var before = GC.GetTotalAllocatedBytes();
        try
        {
            var accepted = target.Accepts(input);
            var allocated = GC.GetTotalAllocatedBytes() - before;
            return allocated > MaxAllocated ? $"x Memory: {allocated} bytes were allocated." : accepted ? "a" : "r";
        }
        catch (Exception e) when (target.IsRefusal(e))
        {
            return "r";
        }
        catch (Exception e)
        {
            return $"x {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}{Place(e)}";
        }
    }

    // Where it was thrown: two of the product's own frames say more than the message.
    private static string Place(Exception e) => string.Concat((e.StackTrace ?? "").Split('\n')
        .Where(line => line.Contains("FerActors", StringComparison.Ordinal)).Take(2).Select(line => " |" + line.TrimEnd()));
}
