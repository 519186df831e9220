using System.Runtime.InteropServices;

namespace FerActors.Vision.Native;

/// <summary>Makes the C library keep the memory of freed tensors for the next ones.</summary>
/// <remarks>
/// A forward or backward pass allocates and frees the same few tensors of some megabytes again and again. By itself glibc maps large
/// blocks one by one and gives back what is free at the heap's end, and the system clears every page anew for the next pass: a third of
/// the time of a training step of the compact models. Up to 32 MiB, the most that glibc allows, a block now comes from the heap, and the
/// heap keeps up to 1 GiB that is free at its end. Larger blocks go back to the system as before.
/// </remarks>
internal static partial class NativeHeap
{
    private const int Mebibyte = 1 << 20;

    // The settings' numbers in malloc.h, and the variables by which whoever starts the process may have set them; the last one covers all.
    private static readonly (int Setting, int Value, string Variable)[] Settings =
    [
        (-3, 32 * Mebibyte, "MALLOC_MMAP_THRESHOLD_"),
        (-1, 1024 * Mebibyte, "MALLOC_TRIM_THRESHOLD_"),

        // Threads other than the first have heaps of at most 64 MiB each, one after the other. One that has become empty is kept only
        // where as much is asked for as a reserve.
        (-2, 64 * Mebibyte, "MALLOC_TOP_PAD_"),
    ];

    private static readonly Lazy<bool> Kept = new(Keep);

    /// <summary>Does it once for the process, where the C library is glibc; settings that the launcher made stay.</summary>
    /// <returns><see langword="false"/> where nothing was set.</returns>
    public static bool KeepFreedMemory() => Kept.Value;

    private static bool Keep()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("GLIBC_TUNABLES") is { Length: > 0 })
        {
            return false;
        }

        try
        {
            var any = false;
            foreach (var (setting, value, variable) in Settings)
            {
                any |= string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable)) && Set(setting, value) == 1;
            }

            return any;
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, musl for one, has a heap of its own kind.
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Set(int setting, int value);
}
