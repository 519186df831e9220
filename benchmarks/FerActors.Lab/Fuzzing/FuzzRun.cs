using System.Diagnostics;
using System.Globalization;
using FerActors.Lab.Bench;

namespace FerActors.Lab.Fuzzing;

/// <summary>What became of a target's inputs.</summary>
/// <param name="Target">Its name.</param>
/// <param name="Reads">What it reads.</param>
/// <param name="Refusal">Its documented error.</param>
internal sealed record FuzzTally(string Target, string Reads, string Refusal)
{
    public int Inputs { get; set; }

    public int Accepted { get; set; }

    public int Refused { get; set; }

    /// <summary>Exceptions that are not documented, and too much memory.</summary>
    public int Others { get; set; }

    /// <summary>Inputs that ended the process.</summary>
    public int Crashes { get; set; }

    /// <summary>Inputs that took longer than the bound.</summary>
    public int Hangs { get; set; }

    public double Seconds { get; set; }

    /// <summary>Largest memory of the process, MiB.</summary>
    public int PeakMiB { get; set; }

    /// <summary>The first few that must not be, each with the file of its input.</summary>
    public IList<string> Findings { get; } = [];

    public bool Clean => Others + Crashes + Hangs == 0;
}

/// <summary>
/// Fuzzes one target in a process of its own: an input that ends or stalls the process is counted and kept like any other, and the next
/// process goes on behind it.
/// </summary>
/// <param name="seed">Of the mutations.</param>
/// <param name="count">Inputs.</param>
/// <param name="folder">Where inputs that must not be are kept.</param>
internal sealed class FuzzRun(int seed, int count, string folder)
{
    private const int MaxFindings = 20;

    // The collector of the child throws beyond it, which counts as another exception.
    private const string HeapLimit = "0x40000000";

    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    /// <summary>How long one input may take; generous, since the machine may be busy.</summary>
    private static readonly TimeSpan InputPatience = TimeSpan.FromSeconds(20);

    public async Task<FuzzTally> RunAsync(string name, CancellationToken cancellation)
    {
        var target = FuzzTargets.Create(name);
        var tally = new FuzzTally(name, target.Reads, target.Refusal);
        var watch = Stopwatch.StartNew();
        for (var next = 0; next < count;)
        {
            next = await RunProcessAsync(target, tally, next, cancellation);
        }

        tally.Seconds = watch.Elapsed.TotalSeconds;
        return tally;
    }

    // Returns the number behind the last input that was tried.
    private async Task<int> RunProcessAsync(FuzzTarget target, FuzzTally tally, int first, CancellationToken cancellation)
    {
        string[] arguments =
        [
            "fuzz", target.Name, "--worker", "--seed", Text(seed), "--first", Text(first), "--count", Text(count),
        ];
        var start = FerProgram.StartLab(arguments);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment["DOTNET_GCHeapHardLimit"] = HeapLimit;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        int? current = null;
        var next = first;
        try
        {
            while (await LineAsync(process, current is null && next == first ? StartPatience : InputPatience, cancellation) is { } line)
            {
                if (line.StartsWith("peak ", StringComparison.Ordinal))
                {
                    tally.PeakMiB = Math.Max(tally.PeakMiB, int.Parse(line.AsSpan(5), CultureInfo.InvariantCulture));
                }
                else if (int.TryParse(line, CultureInfo.InvariantCulture, out var number))
                {
                    current = number;
                    tally.Inputs++;
                }
                else if (current is { } tried)
                {
                    Count(target, tally, tried, line);
                    (next, current) = (tried + 1, null);
                }
            }
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            if (current is { } stalled)
            {
                tally.Hangs++;
                Keep(target, tally, stalled, $"no end within {InputPatience.TotalSeconds:0} s");
                return stalled + 1;
            }

            throw;
        }

        await process.WaitForExitAsync(cancellation);
        if (current is { } died)
        {
            tally.Crashes++;
            Keep(target, tally, died, $"the process ended with code {process.ExitCode}");
            return died + 1;
        }

        return next == count
            ? next
            : throw new InvalidOperationException($"The process of the target {target.Name} ended with code {process.ExitCode}: {await errors}");
    }

    private static async Task<string?> LineAsync(Process process, TimeSpan patience, CancellationToken cancellation) =>
        await process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(patience, cancellation);

    private void Count(FuzzTarget target, FuzzTally tally, int number, string line)
    {
        switch (line[0])
        {
            case 'a':
                tally.Accepted++;
                break;
            case 'r':
                tally.Refused++;
                break;
            default:
                tally.Others++;
                Keep(target, tally, number, line[2..]);
                break;
        }
    }

    private void Keep(FuzzTarget target, FuzzTally tally, int number, string what)
    {
        if (tally.Findings.Count >= MaxFindings)
        {
            return;
        }

        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{target.Name}-{seed}-{number}.bin"));
        File.WriteAllBytes(file, InputMutator.Input(target.Seeds, seed, number));
        tally.Findings.Add($"{file}: {what}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
