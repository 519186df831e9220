using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using FerActors.Host.Health;
using FerActors.Shared.Options;

namespace FerActors.Lab.Bench;

/// <summary>A node as it ships, in a process of its own, with queues and a folder of its own.</summary>
internal sealed partial class BenchNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);

    private const int KeptLines = 30;

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-bench-").FullName;
    private readonly Queue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };

    private BenchNode(IReadOnlyList<string> arguments, RabbitMqOptions queues)
    {
        string[] own =
        [
            $"RabbitMq:ImagesQueue={queues.ImagesQueue}",
            $"RabbitMq:ResultsQueue={queues.ResultsQueue}",
            $"RabbitMq:DeadLetterQueue={queues.DeadLetterQueue}",
            $"RabbitMq:DeadLetterExchange={queues.DeadLetterExchange}",
            $"Persistence:ConnectionString=Data Source={Path.Combine(_folder, "journal.db")}",
            $"Registry:Root={Path.Combine(_folder, "registry")}",
            $"Training:RunsFolder={Path.Combine(_folder, "runs")}",
            "Control:Enabled=false",

            // The queue of feedback is not one of its own: it would take what people send to the real nodes.
            "Feedback:Enabled=false",
            "Health:Port=0",
        ];
        var start = FerProgram.Start(["host", .. arguments, .. own.SelectMany(s => new[] { "--set", s })]);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        Process = new Process { StartInfo = start, EnableRaisingEvents = true };
        Process.OutputDataReceived += (_, line) => Hear(line.Data);
        Process.ErrorDataReceived += (_, line) => Hear(line.Data);
        Process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException($"The node has stopped:\n{LastLines()}"));
        Process.Start();
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public Process Process { get; }

    /// <summary>Starts a node and waits until it is ready.</summary>
    /// <param name="arguments">Of <c>fer host</c>: <c>--config</c> and <c>--set</c>.</param>
    /// <param name="queues">The queues it shall use.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<BenchNode> StartAsync(IReadOnlyList<string> arguments, RabbitMqOptions queues, CancellationToken cancellation)
    {
        var node = new BenchNode(arguments, queues);
        try
        {
            await node.BecomesReadyAsync(cancellation);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>The sizes of its forward passes so far.</summary>
    public async Task<BatchHistogram> BatchesAsync(CancellationToken cancellation) =>
        BatchHistogram.Read(await _http.GetStringAsync(new Uri(await _address.Task, HealthServer.MetricsPath), cancellation));

    /// <summary>Its memory now, in MiB.</summary>
    public double MemoryMiB()
    {
        Process.Refresh();
        return Process.WorkingSet64 / 1048576.0;
    }

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
        {
            await StopAsync();
        }

        _http.Dispose();
        Process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task BecomesReadyAsync(CancellationToken cancellation)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(Patience);
        using var again = new PeriodicTimer(AskAgain);
        try
        {
            var address = await _address.Task.WaitAsync(bounded.Token);
            do
            {
                using var response = await _http.GetAsync(address, bounded.Token);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    return;
                }
            }
            while (await again.WaitForNextTickAsync(bounded.Token) && !Process.HasExited);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && e is OperationCanceledException or HttpRequestException)
        {
            throw new TimeoutException($"The node did not become ready:\n{LastLines()}", e);
        }

        throw new InvalidOperationException($"The node has stopped:\n{LastLines()}");
    }

    private async Task StopAsync()
    {
        try
        {
            // .NET can only kill; a node that is told to stop leaves nothing unanswered.
            using var kill = Process.Start("/bin/kill", ["-TERM", Process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            await Process.WaitForExitAsync().WaitAsync(StopPatience);
        }
        catch (Exception e) when (e is TimeoutException or System.ComponentModel.Win32Exception)
        {
            Process.Kill(entireProcessTree: true);
            await Process.WaitForExitAsync();
        }
    }

    private void Hear(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > KeptLines)
            {
                _lines.Dequeue();
            }
        }

        if (Announced().Match(line) is { Success: true } match)
        {
            _address.TrySetResult(new Uri(match.Groups[1].Value));
        }
    }

    private string LastLines()
    {
        lock (_lines)
        {
            return string.Join('\n', _lines);
        }
    }

    [GeneratedRegex(@"Health at (http://\S+)")]
    private static partial Regex Announced();
}
