using System.Runtime.InteropServices;
using FerActors.Vision.Native;

namespace FerActors.Vision.Tests.Native;

public sealed partial class NativeHeapSpecs
{
    private const nint Mebibyte = 1 << 20;

    [SkippableFact]
    public void Freed_blocks_of_the_size_of_tensors_stay_with_the_process()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Only glibc is told.");
        Skip.IfNot(NativeHeap.KeepFreedMemory(), "The C library is another one than glibc, or whoever started the tests set its heap.");
        var before = Free();
        var blocks = Enumerable.Range(0, 10).Select(_ => Marshal.AllocHGlobal(20 * Mebibyte)).ToArray();

        Array.ForEach(blocks, Marshal.FreeHGlobal);

        // Not all 200: other tests of the process may take some meanwhile.
        Assert.InRange(Free() - before, 150 * Mebibyte, nint.MaxValue);
    }

    // What the heaps hold that is free, in bytes.
    private static nint Free() => Info().FreeBytes;

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial HeapInfo Info();

    /// <summary>struct mallinfo2 of malloc.h.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private struct HeapInfo
    {
        [FieldOffset(64)]
        public nint FreeBytes;
    }
}
