using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using TorchSharp;

namespace FerActors.Vision.Native;

/// <summary>Loads libtorch and TorchSharp's bridge to it before the first tensor, and says the true cause where that fails.</summary>
public static class TorchRuntime
{
    /// <summary>Names a folder with libtorch's shared objects to use instead of those beside the application.</summary>
    public const string LibTorchDirectoryVariable = "FER_LIBTORCH_DIR";

    private const string Bridge = "libLibTorchSharp.so";

    // In the order in which they depend on each other; those of CUDA are absent in a CPU build.
    private static readonly string[] LibTorchObjects =
        ["libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];

    private static readonly Lazy<TorchRuntimeInfo> Loaded = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>Loads the native libraries once per process; later calls return at once.</summary>
    /// <exception cref="NativeLibraryException">They cannot be loaded; the message has the cause and the remedy.</exception>
    public static TorchRuntimeInfo EnsureLoaded() => Loaded.Value;

    private static TorchRuntimeInfo Load()
    {
        NativeHeap.KeepFreedMemory();
        var adapted = OperatingSystem.IsLinux() && LoadOnLinux();
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            return new TorchRuntimeInfo(torch.__version__, torch.cuda.is_available(), adapted);
        }
        catch (Exception e) when (e is not NativeLibraryException)
        {
            var cause = e is TypeInitializationException { InnerException: { } inner } ? inner : e;
            throw new NativeLibraryException("libtorch", cause.Message, "Check that libtorch and TorchSharp are of versions that belong together.", e);
        }
    }

    [SupportedOSPlatform("linux")]
    private static bool LoadOnLinux()
    {
        var folder = NativeFolders().FirstOrDefault(f => File.Exists(Path.Combine(f, Bridge)))
            ?? throw new NativeLibraryException(
                Bridge,
                $"It is not beside the application ({string.Join(", ", NativeFolders())}).",
                "Restore and build again; it comes with the TorchSharp package.");

        var libTorchFolder = Environment.GetEnvironmentVariable(LibTorchDirectoryVariable);
        foreach (var name in LibTorchObjects)
        {
            var path = Path.Combine(string.IsNullOrEmpty(libTorchFolder) ? folder : libTorchFolder, name);
            if (File.Exists(path) && TryLoad(path) is { } message)
            {
                throw TorchLoadFailure.Explain(name, message);
            }
        }

        var bridge = Path.Combine(folder, Bridge);
        var failure = TryLoad(bridge);
        if (failure is null)
        {
            return false;
        }

        // TorchSharp's bridge was built with GCC 13 and names GLIBCXX_3.4.32 for one symbol that only the static initialiser of
        // <iostream> would use; no relocation refers to it. Debian 12 and Ubuntu 22.04 stop at 3.4.30, and their dynamic linker
        // refuses the library for the name alone. Marking that one entry weak lets it load. It is done to the application's own
        // copy, by replacing the file, so that a copy that is a link into the package cache leaves the cache untouched.
        // Another process of the same folder may have done it since; then there is nothing to do, and the library loads all the same.
        if (TorchLoadFailure.MissingCxxVersion(failure) is { } version)
        {
            TryWeaken(bridge, version);
            failure = TryLoad(bridge);
        }

        return failure is null ? true : throw TorchLoadFailure.Explain(Bridge, failure);
    }

    private static IEnumerable<string> NativeFolders()
    {
        yield return Path.Combine(AppContext.BaseDirectory, "runtimes", $"linux-{Architecture}", "native");
        yield return AppContext.BaseDirectory;
    }

    private static string Architecture => RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "x64";

    // The linker's message, or null where the library is loaded.
    private static string? TryLoad(string path)
    {
        try
        {
            NativeLibrary.Load(path);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return e.Message;
        }
    }

    /// <summary>Marks the missing version weak in the file, unless the library truly binds symbols of it.</summary>
    /// <returns><see langword="false"/> where it must not or cannot be done; the file is then unchanged.</returns>
    [UnsupportedOSPlatform("windows")]
    internal static bool TryWeaken(string path, string version)
    {
        try
        {
            var elf = ElfVersionRequirements.Parse(File.ReadAllBytes(path));
            var requirement = elf.Requirements.FirstOrDefault(r => r.Version == version && !r.IsWeak);
            if (requirement is null || requirement.HasRelocations)
            {
                return false;
            }

            Replace(path, elf.Weaken(requirement));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or BadImageFormatException)
        {
            return false;
        }
    }

    // Rename is atomic: another process that starts at the same time sees the old file or the new one, both whole.
    [UnsupportedOSPlatform("windows")]
    private static void Replace(string path, byte[] content)
    {
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            File.WriteAllBytes(temporary, content);
            File.SetUnixFileMode(temporary, File.GetUnixFileMode(path));
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}

/// <summary>What was loaded.</summary>
/// <param name="Version">libtorch's version.</param>
/// <param name="CudaAvailable">A CUDA device can be used.</param>
/// <param name="Adapted">The bridge had to be adapted to an older libstdc++ at this start.</param>
public sealed record TorchRuntimeInfo(string Version, bool CudaAvailable, bool Adapted);
