using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace FerActors.Cluster.Tests;

/// <summary>How much of the fault tests runs: a small part in every test run, all of it under <c>./run chaos</c>.</summary>
internal static class Chaos
{
    private static readonly Lock OneWriter = new();

    /// <summary>Whether <c>FER_CHAOS</c> is <c>full</c>.</summary>
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("FER_CHAOS") == "full";

    /// <summary>For cases that take too long for every test run.</summary>
    public static void SkipUnlessFull() => Skip.IfNot(IsFull, "Takes minutes; ./run chaos runs it.");

    /// <summary>Images of a load: <c>FER_CHAOS_IMAGES</c> where it is set.</summary>
    public static int Images(int few, int many) =>
        Environment.GetEnvironmentVariable("FER_CHAOS_IMAGES") is { Length: > 0 } text
            ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)
            : IsFull ? many : few;

    /// <summary>Runs a program of the system, for what no library does.</summary>
    /// <exception cref="InvalidOperationException">It failed, with what it said.</exception>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.Trim()}");
        }
    }

    /// <summary>Prints a case's result, and adds it as a line of a Markdown table to the file of <c>FER_CHAOS_TABLE</c>.</summary>
    /// <remarks>To be called before the assertions, so that the table shows what was seen where one of them fails.</remarks>
    public static void Report(ITestOutputHelper output, string name, string invariant, string expected, string seen)
    {
        var row = $"| {name} | {invariant} | {expected} | {seen} |";
        output.WriteLine(row);
        if (Environment.GetEnvironmentVariable("FER_CHAOS_TABLE") is { Length: > 0 } table)
        {
            lock (OneWriter)
            {
                File.AppendAllText(table, row + "\n");
            }
        }
    }
}
