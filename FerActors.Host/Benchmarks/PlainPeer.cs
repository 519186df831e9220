using System.Diagnostics;

namespace FerActors.Host.Benchmarks;

/// <summary>The plain consumer of <c>scripts/peers</c>, where Python and its packages are installed.</summary>
internal sealed class PlainPeer : IAsyncDisposable
{
    private const string UriVariable = "FER_RabbitMq__Uri";
    private const string Packages = "import torch, pika, cv2";

    // The second where another Python stands before the system's, to which the packages belong.
    private static readonly string[] Pythons = ["python3", "/usr/bin/python3"];

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    private PlainPeer(Process process, string description) => (_process, Description) = (process, description);

    /// <summary>Its versions, as it says them.</summary>
    public string Description { get; }

    /// <summary>Finds a Python that has the packages.</summary>
    /// <param name="script">The consumer's file.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Its program, or why there is none.</returns>
    public static async Task<(string? Python, string? Absence)> FindAsync(string script, CancellationToken cancellation)
    {
        if (!File.Exists(script))
        {
            return (null, $"{script} is not here");
        }

        var absence = "python3 is not installed";
        foreach (var python in Pythons)
        {
            try
            {
                using var probe = Process.Start(new ProcessStartInfo(python, ["-c", Packages]) { RedirectStandardError = true })!;
                var errors = await probe.StandardError.ReadToEndAsync(cancellation);
                await probe.WaitForExitAsync(cancellation);
                if (probe.ExitCode == 0)
                {
                    return (python, null);
                }

                absence = $"python3 lacks a package: {errors.Trim().Split('\n')[^1]}";
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // It is not installed.
            }
        }

        return (null, absence);
    }

    /// <summary>Starts it and waits until it consumes.</summary>
    /// <param name="python">The program.</param>
    /// <param name="script">The consumer's file.</param>
    /// <param name="uri">The broker; it goes through the environment, since arguments are seen by everyone.</param>
    /// <param name="queue">The queue, which exists.</param>
    /// <param name="model">The model's folder.</param>
    /// <param name="detector">YuNet's file; absent for the cascade.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<PlainPeer> StartAsync(
        string python, string script, string uri, string queue, string model, string? detector, CancellationToken cancellation)
    {
        string[] find = detector is null ? [] : ["--detector", detector];
        var start = new ProcessStartInfo(python, [script, "--queue", queue, "--model", model, .. find]) { RedirectStandardOutput = true };
        start.Environment[UriVariable] = uri;
        var process = Process.Start(start)!;
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(Patience, cancellation);
            return line is null
                ? throw new InvalidOperationException("The plain consumer ended before it was ready.")
                : new PlainPeer(process, line.Replace("ready: ", "", StringComparison.Ordinal));
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
