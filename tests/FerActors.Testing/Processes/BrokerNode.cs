using System.Diagnostics;

namespace FerActors.Testing.Processes;

/// <summary>The broker of a test run: a private node started through scripts/broker, or the one that FER_TEST_RABBITMQ names.</summary>
public sealed class BrokerNode : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "fer-broker-" + Guid.NewGuid().ToString("N")[..8]);
    private string? _script;

    /// <summary>Address of the broker; absent where there is none, and then <see cref="Absence"/> says why.</summary>
    public string? Uri { get; private set; }

    public string Absence { get; private set; } = "";

    /// <summary>The node is ours to stop and to kill.</summary>
    public bool IsPrivate { get; private set; }

    public async Task InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("FER_TEST_RABBITMQ") is { Length: > 0 } given)
        {
            Uri = given;
            return;
        }

        _script = FindScript();
        if (_script is null)
        {
            Absence = "scripts/broker was not found above the test's folder.";
            return;
        }

        var (code, output, errors) = await RunAsync("start", _folder);
        if (code == 0)
        {
            Uri = output.Trim();
            IsPrivate = true;
        }
        else if (errors.Contains("is not installed", StringComparison.Ordinal))
        {
            Absence = "rabbitmq-server is not installed here, and FER_TEST_RABBITMQ names no broker.";
        }
        else
        {
            throw new InvalidOperationException("The private broker did not start:\n" + errors);
        }
    }

    public async Task DisposeAsync()
    {
        if (IsPrivate)
        {
            await RunAsync("kill", _folder);
            Directory.Delete(_folder, recursive: true);
        }
    }

    public Task StopAsync() => MustRunAsync("stop", _folder);

    public Task KillAsync() => MustRunAsync("kill", _folder);

    public Task StartAsync() => MustRunAsync("start", _folder);

    /// <summary>Has the broker write to the disk by which name it finds each quorum queue's log.</summary>
    /// <remarks>See docs/running-a-node.md, "A broker that dies".</remarks>
    public Task SyncQueueNamesAsync() => ControlAsync("eval", "[dets:sync(Table) || Table <- dets:all()], ok.");

    public Task ControlAsync(params string[] arguments) => MustRunAsync(["ctl", _folder, .. arguments]);

    private async Task MustRunAsync(params string[] arguments)
    {
        var (code, _, errors) = await RunAsync(arguments);
        Assert.True(code == 0, $"scripts/broker {string.Join(' ', arguments)} failed:\n{errors}");
    }

    private async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(_script!, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    private static string? FindScript()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FerActors.sln")))
            {
                var script = Path.Combine(folder.FullName, "scripts", "broker");
                return File.Exists(script) && !OperatingSystem.IsWindows() ? script : null;
            }
        }

        return null;
    }
}
