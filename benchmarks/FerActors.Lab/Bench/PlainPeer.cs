using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using FerActors.Inference.Faces;
using FerActors.Shared.Options;

namespace FerActors.Lab.Bench;

/// <summary>What the plain consumer says of itself once it is ready.</summary>
/// <param name="Libraries">PyTorch and OpenCV with their versions.</param>
/// <param name="Blas">The file of the BLAS that it has loaded, or <see cref="ReferenceBlas"/>.</param>
/// <param name="Detector">The detector that it uses.</param>
/// <param name="Threads">Threads of PyTorch, the BLAS and OpenCV.</param>
/// <param name="Batch">Most faces of a forward pass.</param>
internal sealed record PlainPeerReady(string Libraries, string Blas, string Detector, int Threads, int Batch)
{
    /// <summary>The BLAS without any optimisation, which is slower than an optimised one by a factor of ten.</summary>
    public const string ReferenceBlas = "reference BLAS";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public bool HasFastBlas => Blas is not (ReferenceBlas or "none" or "");

    /// <exception cref="JsonException">The line is none that a consumer says.</exception>
    public static PlainPeerReady Parse(string line) => JsonSerializer.Deserialize<PlainPeerReady>(line, Json) ?? throw new JsonException("The line is empty.");

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Libraries}, {Blas}, {Detector}, {Threads} thread(s), batches of up to {Batch}");
}

/// <summary>The plain consumer of <c>scripts/peers</c>, where Python and its packages are installed.</summary>
internal sealed class PlainPeer : IAsyncDisposable
{
    private const string UriVariable = "FER_RabbitMq__Uri";
    private const string LibraryPath = "LD_LIBRARY_PATH";
    private const string Packages = "import torch, pika, cv2";

    // The second where another Python stands before the system's, to which the packages belong.
    private static readonly string[] Pythons = ["python3", "/usr/bin/python3"];

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _lock = new();
    private volatile string _lastError = "";
    private bool _disposed;

    private PlainPeer(Process process)
    {
        _process = process;
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => End();
        _process.ErrorDataReceived += (_, line) => _lastError = string.IsNullOrWhiteSpace(line.Data) ? _lastError : line.Data.Trim();
        _process.BeginErrorReadLine();
        if (_process.HasExited)
        {
            End();
        }
    }

    /// <summary>Cancelled when the process has ended: nothing that was sent to it will be answered.</summary>
    public CancellationToken Ended => _ended.Token;

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

                absence = $"python3 lacks a package, which scripts/prepare peer installs: {errors.Trim().Split('\n')[^1]}";
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
    /// <param name="options">The node's: broker, model, detection and threads are the same for the consumer.</param>
    /// <param name="queue">The queue, which exists.</param>
    /// <param name="batch">Most faces of a forward pass.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="InvalidOperationException">It ended before it was ready; the message has its last line.</exception>
    public static async Task<(PlainPeer Peer, PlainPeerReady Ready)> StartAsync(
        string python, string script, FerOptions options, string queue, int batch, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(python, [script, "--queue", queue, .. Arguments(options, batch)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Through the environment, since everyone can read the arguments.
        start.Environment[UriVariable] = options.RabbitMq.Uri;
        if (OpenBlas() is { } folder)
        {
            start.Environment[LibraryPath] = string.Join(':', new[] { folder, Environment.GetEnvironmentVariable(LibraryPath) }.Where(f => !string.IsNullOrEmpty(f)));
        }

        var peer = new PlainPeer(Process.Start(start)!);
        try
        {
            var line = await peer._process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(Patience, cancellation);
            return line is null ? throw new InvalidOperationException(await peer.EndAsync()) : (peer, PlainPeerReady.Parse(line));
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>How it ended: its exit code and the last line of its error stream. Waits until both are known.</summary>
    public async Task<string> EndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return string.Create(CultureInfo.InvariantCulture, $"it ended with code {_process.ExitCode}: {_lastError}");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        lock (_lock)
        {
            _disposed = true;
            _ended.Dispose();
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _ended.Cancel();
            }
        }
    }

    private static IEnumerable<string> Arguments(FerOptions options, int batch)
    {
        var detectors = new FaceDetectorFactory(options.Detection);
        yield return detectors.Kind == DetectorKind.YuNet ? "--yunet" : "--cascade";
        yield return detectors.ModelPath;
        foreach (var (name, value) in new (string, IConvertible)[]
        {
            ("--model", options.Model.Path),
            ("--threads", options.Model.EffectiveThreads(Environment.ProcessorCount)),
            ("--batch", batch),
            ("--score-threshold", options.Detection.ScoreThreshold),
            ("--nms-threshold", options.Detection.NmsThreshold),
            ("--max-search-side", options.Detection.MaxSearchSide),
            ("--min-face-side", options.Detection.MinFaceSide),
            ("--max-faces", options.Detection.MaxFaces),
        })
        {
            yield return name;
            yield return value.ToString(CultureInfo.InvariantCulture);
        }
    }

    // Debian's libopenblas0-pthread, also where the alternatives of this machine point to another BLAS.
    private static string? OpenBlas() =>
        Directory.Exists("/usr/lib")
            ? Directory.EnumerateDirectories("/usr/lib").Select(folder => Path.Combine(folder, "openblas-pthread")).FirstOrDefault(Directory.Exists)
            : null;
}
