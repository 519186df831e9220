using System.Diagnostics;
using FerActors.Testing.Files;
using FerActors.Training.Engine;
using static TorchSharp.torch;

namespace FerActors.Training.Tests.Engine;

/// <summary>A file system of its own that is too small. Mounting needs root; elsewhere these are skipped.</summary>
public sealed class FullDiskSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private bool _mounted;

    public void Dispose()
    {
        if (_mounted)
        {
            Run("umount", _folder.Root);
        }

        _folder.Dispose();
    }

    [SkippableFact]
    public void A_checkpoint_that_finds_no_space_says_so_and_leaves_the_one_before_whole()
    {
        // Two checkpoints of 400 kB fit, with the third there is no room.
        Mount("1m");
        var checkpoint = new RunCheckpoint(_folder.Root);
        checkpoint.Save(State(1), Vectors(1));
        checkpoint.Save(State(2), Vectors(2));
        var before = Files();

        var fault = Assert.Throws<IOException>(() => checkpoint.Save(State(3), Vectors(3)));

        Assert.StartsWith($"The checkpoint of step 3 could not be written to '{_folder.Root}': ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("No space left on device", fault.Message, StringComparison.Ordinal);
        Assert.Contains("The checkpoint before it is whole", fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, Files());
        var loaded = Vectors(0);
        Assert.Equal(2, new RunCheckpoint(_folder.Root).Load(loaded).State.Step);
        Assert.Equal(SmallRun.Values(Vectors(2)["values"]), SmallRun.Values(loaded["values"]));
    }

    [SkippableFact]
    public async Task A_run_on_a_full_disk_fails_with_the_reason_and_goes_on_once_there_is_space()
    {
        Mount("8m");
        var filler = Path.Combine(_folder.Root, "filler");
        await File.WriteAllBytesAsync(filler, new byte[(8 << 20) - (200 << 10)]);

        var fault = await Assert.ThrowsAsync<IOException>(() => SmallRun.RunAsync(_folder, "run", SmallRun.Options));
        File.Delete(filler);
        using var trained = await SmallRun.RunAsync(_folder, "run", SmallRun.Options);

        Assert.Contains("No space left on device", fault.Message, StringComparison.Ordinal);
        Assert.Equal(2, trained.State.Epoch);
    }

    private void Mount(string size)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "tmpfs is Linux's.");
        _mounted = Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", _folder.Root);
        Skip.IfNot(_mounted, "Mounting a tmpfs needs root's rights.");
    }

    private (string Name, long Length)[] Files() =>
        [.. new DirectoryInfo(_folder.Root).GetFiles().Select(f => (f.Name, f.Length)).OrderBy(f => f.Name, StringComparer.Ordinal)];

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static RunState State(long step) => new("{}", "data", 0, 1, step, 0, 0, []);

    private static Dictionary<string, Tensor> Vectors(long step) => new() { ["values"] = arange(100_000, ScalarType.Float32) + step };
}
