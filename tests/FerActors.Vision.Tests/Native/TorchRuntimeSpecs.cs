using System.Diagnostics;
using System.Runtime.Versioning;
using FerActors.Vision.Native;

namespace FerActors.Vision.Tests.Native;

[SupportedOSPlatform("linux")]
public sealed class TorchRuntimeSpecs : IDisposable
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead;

    private readonly string _folder = Directory.CreateTempSubdirectory("fer-torch-").FullName;

    private static string BridgePath => Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Libtorch_is_loaded_once_and_says_its_version()
    {
        var first = TorchRuntime.EnsureLoaded();

        Assert.Matches(@"^\d+\.\d+\.\d+", first.Version);
        Assert.Same(first, TorchRuntime.EnsureLoaded());
    }

    [SkippableFact]
    public void The_real_bridge_binds_the_C_library_but_not_its_newest_cxx_version()
    {
        Skip.IfNot(File.Exists(BridgePath), "There is no libLibTorchSharp.so beside the tests.");
        TorchRuntime.EnsureLoaded();

        var elf = ElfVersionRequirements.Parse(File.ReadAllBytes(BridgePath));

        Assert.Contains(elf.Requirements, r => r.Library == "libc.so.6" && r.HasRelocations);
        Assert.Contains(elf.Requirements, r => r.Library == "libstdc++.so.6" && r.HasRelocations);
        Assert.False(Assert.Single(elf.Requirements, r => r.Version == "GLIBCXX_3.4.32").HasRelocations);
    }

    [SkippableFact]
    public void The_real_bridge_differs_by_one_byte_after_it_was_adapted()
    {
        Skip.IfNot(File.Exists(BridgePath), "There is no libLibTorchSharp.so beside the tests.");
        TorchRuntime.EnsureLoaded();
        var bytes = File.ReadAllBytes(BridgePath);
        var requirement = ElfVersionRequirements.Parse(bytes).Requirements.Single(r => r.Version == "GLIBCXX_3.4.32");
        bytes[requirement.FlagsOffset] = 0;
        var path = FileOf("bridge.so", bytes);

        Assert.True(TorchRuntime.TryWeaken(path, "GLIBCXX_3.4.32"));

        bytes[requirement.FlagsOffset] = 2;
        Assert.Equal(bytes, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_missing_version_is_made_weak_in_the_copy_and_a_link_to_it_keeps_the_original()
    {
        var image = new SyntheticElf().Build();
        var original = FileOf("original.so", image);
        File.SetUnixFileMode(original, Mode);
        var copy = Path.Combine(_folder, "copy.so");
        using (var link = Process.Start("ln", [original, copy]))
        {
            link.WaitForExit();
        }

        Assert.True(TorchRuntime.TryWeaken(copy, SyntheticElf.Loose));

        Assert.Equal(image, File.ReadAllBytes(original));
        Assert.True(ElfVersionRequirements.Parse(File.ReadAllBytes(copy)).Requirements.Single(r => r.Version == SyntheticElf.Loose).IsWeak);
        Assert.Equal(Mode, File.GetUnixFileMode(copy));
        Assert.Equal(["copy.so", "original.so"], FilesInFolder());
    }

    [Fact]
    public void A_second_time_there_is_nothing_left_to_do()
    {
        var path = FileOf("copy.so", new SyntheticElf().Build());

        Assert.True(TorchRuntime.TryWeaken(path, SyntheticElf.Loose));
        Assert.False(TorchRuntime.TryWeaken(path, SyntheticElf.Loose));
    }

    [Theory]
    [InlineData(SyntheticElf.Bindable)]
    [InlineData("GLIBCXX_3.4.99")]
    public void A_bound_or_foreign_version_leaves_the_file_as_it_is(string version)
    {
        var image = new SyntheticElf().Build();
        var path = FileOf("copy.so", image);

        Assert.False(TorchRuntime.TryWeaken(path, version));

        Assert.Equal(image, File.ReadAllBytes(path));
    }

    [Fact]
    public void Garbage_and_absent_files_are_left_alone()
    {
        Assert.False(TorchRuntime.TryWeaken(FileOf("garbage.so", [1, 2, 3]), SyntheticElf.Loose));
        Assert.False(TorchRuntime.TryWeaken(Path.Combine(_folder, "absent.so"), SyntheticElf.Loose));
    }

    [Fact]
    public void A_copy_that_cannot_be_replaced_is_left_alone()
    {
        // The longest name a file can have leaves no room for that of the temporary file beside it.
        var image = new SyntheticElf().Build();
        var path = FileOf(new string('x', 255), image);

        Assert.False(TorchRuntime.TryWeaken(path, SyntheticElf.Loose));

        Assert.Equal(image, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_failure_half_way_leaves_no_temporary_file()
    {
        var path = FileOf("copy.so", new SyntheticElf().Build());
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        Directory.CreateDirectory(temporary);

        Assert.False(TorchRuntime.TryWeaken(path, SyntheticElf.Loose));
    }

    [SkippableFact]
    public void A_read_only_folder_is_left_alone()
    {
        Skip.If(Environment.IsPrivilegedProcess, "The superuser may write everywhere.");
        var path = FileOf("copy.so", new SyntheticElf().Build());
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Assert.False(TorchRuntime.TryWeaken(path, SyntheticElf.Loose));
        }
        finally
        {
            File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private string FileOf(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    private string[] FilesInFolder() => [.. Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
}
