using System.Diagnostics;
using System.Text;

namespace FerActors.Testing.Processes;

/// <summary>The <c>fer</c> program as a process of its own, with what it writes.</summary>
public sealed class FerProcess : IAsyncDisposable
{
    // For a process that hangs; one that works is never waited for that long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private Action<string>? _line;

    private FerProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Hear(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(_errors, line.Data);
        _process.Exited += (_, _) => _ended.TrySetResult();
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasEnded => _process.HasExited;

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    public static FerProcess Start(params string[] arguments) => Start(arguments, environment: []);

    public static FerProcess Start(IReadOnlyList<string> arguments, params (string Name, string Value)[] environment) =>
        StartBehind([], arguments, environment);

    /// <summary>Starts it through another program that becomes it, such as <c>ip netns exec NAME</c>.</summary>
    public static FerProcess StartBehind(
        IReadOnlyList<string> launcher, IReadOnlyList<string> arguments, params (string Name, string Value)[] environment)
    {
        return Start("fer", launcher, arguments, environment);
    }

    private static FerProcess Start(
        string program, IReadOnlyList<string> launcher, IReadOnlyList<string> arguments, params (string Name, string Value)[] environment)
    {
        string[] command = [.. launcher, "dotnet", Path.Combine(AppContext.BaseDirectory, program + ".dll"), .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new FerProcess(start);
    }

    /// <summary>Runs to the end.</summary>
    public static Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments) => RunAsync(Start(arguments));

    /// <summary>Runs <c>fer-lab</c> to the end.</summary>
    public static Task<(int Code, string Output, string Errors)> RunLabAsync(params string[] arguments) =>
        RunAsync(Start("fer-lab", [], arguments));

    private static async Task<(int Code, string Output, string Errors)> RunAsync(FerProcess started)
    {
        await using var process = started;
        var code = await process.ExitAsync();
        return (code, process.Output, process.Errors);
    }

    /// <summary>Sends a signal by its name: <c>TERM</c>, <c>INT</c>.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -{name} {_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits until a line of its output or its errors contains the text.</summary>
    public async Task SaidAsync(string text)
    {
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_output.ToString().Contains(text, StringComparison.Ordinal) || _errors.ToString().Contains(text, StringComparison.Ordinal))
            {
                return;
            }

            _line = line =>
            {
                if (line.Contains(text, StringComparison.Ordinal))
                {
                    said.TrySetResult();
                }
            };
        }

        await Task.WhenAny(said.Task, _ended.Task).WaitAsync(Patience);
        Assert.True(said.Task.IsCompleted, $"It ended without saying '{text}':\n{Errors}");
    }

    /// <summary>Its exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private void Hear(StringBuilder into, string? line)
    {
        if (line is not null)
        {
            lock (_lock)
            {
                into.AppendLine(line);
                _line?.Invoke(line);
            }
        }
    }

    private string Read(StringBuilder from)
    {
        lock (_lock)
        {
            return from.ToString();
        }
    }
}
