using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using FerActors.Testing.Models;
using FerActors.Vision.Safetensors;

namespace FerActors.Host.Tests.Training;

/// <summary>
/// <c>fer train</c> as a process of its own that is killed with SIGKILL, which no handler sees. In fp32 on one thread a resumed run has
/// to end in the very bytes of an undisturbed one.
/// </summary>
public sealed class KilledRunSpecs : IDisposable
{
    private const int Batches = 60;
    private const int Epochs = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string _root = Directory.CreateTempSubdirectory("fer-tests-").FullName;

    public KilledRunSpecs()
    {
        SmallCsv.Write(Path.Combine(_root, "fer.csv"), Batches * 8, 14);

        // Everything that draws random numbers is on, and a checkpoint is written after every step.
        File.WriteAllText(Path.Combine(_root, "run.yaml"), $"""
            data: {_root}/fer.csv
            keep_duplicates: true
            fp32_weights: true
            checkpoint_seconds: 0
            preset: tiny
            epochs: {Epochs}
            batch_size: 8
            compute: fp32
            threads: 1
            balanced_sampling: 0.5
            drop_path: 0.2
            """);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [SkippableFact]
    public async Task A_run_killed_twice_in_the_middle_of_an_epoch_and_once_robbed_of_its_newest_checkpoint_ends_as_if_undisturbed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "SIGKILL is a Unix signal.");
        await FinishAsync("whole");

        await KillAsync("killed", step: 10);
        var first = State("killed");
        Assert.InRange(first.Batch, 1, Batches - 1);

        await KillAsync("killed", step: Batches + 10);
        var second = State("killed");
        Assert.Equal(1, second.Epoch);
        Assert.InRange(second.Batch, 1, Batches - 1);
        Truncate(Newest("killed"));

        var output = await FinishAsync("killed");

        Assert.Contains("The checkpoint before is used", output, StringComparison.Ordinal);
        Assert.Equal(Weights("whole"), Weights("killed"));
        Assert.Equal(Epochs, File.ReadLines(Path.Combine(_root, "killed.run", "log.jsonl")).Count());
    }

    [SkippableFact]
    public async Task A_run_that_may_write_no_more_fails_with_a_sentence_and_keeps_its_checkpoint()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The limit on file sizes is set with a shell's ulimit.");
        await KillAsync("full", step: 5);
        var before = SHA256.HashData(File.ReadAllBytes(Newest("full")));

        // 64 blocks of 512 bytes; .NET maps its own code through a file unless told otherwise.
        using var process = Start("full", "/bin/sh", "-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh");
        var (code, output) = await EndAsync(process);

        Assert.Equal(1, code);
        Assert.Contains("fer: The checkpoint of step", output, StringComparison.Ordinal);
        Assert.Contains("The checkpoint before it is whole", output, StringComparison.Ordinal);
        Assert.Equal(before, SHA256.HashData(File.ReadAllBytes(Newest("full"))));
    }

    private async Task<string> FinishAsync(string name)
    {
        using var process = Start(name);
        var (code, output) = await EndAsync(process);
        Assert.True(code == 0, output);
        return output;
    }

    // Until the checkpoint on the disk has come to a step; then SIGKILL.
    private async Task KillAsync(string name, long step)
    {
        using var process = Start(name);
        var output = Drain(process);
        using var patience = new CancellationTokenSource(Patience);
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        while (await ticks.WaitForNextTickAsync(patience.Token))
        {
            Assert.False(process.HasExited, $"It ended by itself: {(process.HasExited ? await output : "")}");
            if (TryState(name) is { } state && state.Step >= step)
            {
                break;
            }
        }

        process.Kill();
        await process.WaitForExitAsync(patience.Token);
        Assert.Equal(128 + 9, process.ExitCode);
    }

    private static async Task<(int Code, string Output)> EndAsync(Process process)
    {
        using var patience = new CancellationTokenSource(Patience);
        var output = Drain(process);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"It did not end within {Patience}.");
        }

        return (process.ExitCode, await output);
    }

    private static async Task<string> Drain(Process process) =>
        string.Concat(await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()));

    private Process Start(string name, params string[] before)
    {
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        string[] words =
        [
            .. before, host, Path.Combine(AppContext.BaseDirectory, "fer.dll"), "train",
            "--config", Path.Combine(_root, "run.yaml"), "--run", Path.Combine(_root, $"{name}.run"), "--model", Path.Combine(_root, name, "m"),
        ];
        return Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_EnableWriteXorExecute"] = "0" },
        })!;
    }

    private string Newest(string name) => Path.Combine(_root, $"{name}.run", "checkpoint.safetensors");

    private byte[] Weights(string name) => File.ReadAllBytes(Path.Combine(_root, name, "m", "model.safetensors"));

    private (long Step, int Epoch, int Batch) State(string name) => TryState(name) ?? throw new InvalidOperationException("There is no checkpoint.");

    private (long Step, int Epoch, int Batch)? TryState(string name)
    {
        try
        {
            using var file = SafetensorsFile.Open(Newest(name));
            using var state = JsonDocument.Parse(file.Metadata["fer_actors.run_state"]);
            return (
                state.RootElement.GetProperty("step").GetInt64(),
                state.RootElement.GetProperty("epoch").GetInt32(),
                state.RootElement.GetProperty("batch").GetInt32());
        }
        catch (IOException)
        {
            // Not there yet, or between its two names.
            return null;
        }
    }

    private static void Truncate(string path)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(file.Length - 100);
    }
}
