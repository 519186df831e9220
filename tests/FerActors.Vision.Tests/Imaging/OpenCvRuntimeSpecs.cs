using System.Runtime.InteropServices;
using FerActors.Vision.Native;

namespace FerActors.Vision.Tests.Imaging;

public class OpenCvRuntimeSpecs
{
    private const string Probes = "Unable to load shared library 'OpenCvSharpExtern' or one of its dependencies.\n"
        + "/app/OpenCvSharpExtern.so: cannot open shared object file: No such file or directory\n";

    [Fact]
    public void The_native_library_loads_here_and_again() => Assert.Null(Record.Exception(() =>
    {
        OpenCvRuntime.EnsureLoaded();
        OpenCvRuntime.EnsureLoaded();
    }));

    [Fact]
    public void A_missing_dependency_is_named_with_its_package()
    {
        var failure = OpenCvLoadFailure.Explain(
            Probes + "libgtk-3.so.0: cannot open shared object file: No such file or directory\n", Architecture.X64);

        Assert.Equal("OpenCvSharpExtern", failure.Library);
        Assert.Contains("libgtk-3.so.0", failure.Cause, StringComparison.Ordinal);
        Assert.Contains("apt-get install libgtk-3-0 ", failure.Remedy, StringComparison.Ordinal);
        Assert.Contains("libgtk-3-0t64", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("libdrm.so.2: cannot open shared object file: No such file or directory", "apt-get install libdrm2")]
    [InlineData("libatomic.so.1: cannot open shared object file: No such file or directory", "apt-get install libatomic1")]
    [InlineData("libfoo.so.7: cannot open shared object file: No such file or directory", "apt-file search libfoo.so.7")]
    [InlineData("/lib/libc.so.6: version `GLIBC_2.38' not found (required by x)", "newer distribution")]
    [InlineData("/app/libOpenCvSharpExtern.so: wrong ELF class: ELFCLASS32", "architecture")]
    [InlineData("/app/libOpenCvSharpExtern.so: file too short", "ldd")]
    [InlineData("", "runtimes/linux-x64/native")]
    public void Each_cause_has_its_remedy(string line, string words)
    {
        var first = line.EndsWith("short", StringComparison.Ordinal) ? "" : Probes;

        Assert.Contains(words, OpenCvLoadFailure.Explain(first + line, Architecture.X64).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void On_another_architecture_an_absent_library_is_one_that_was_not_built_for_it()
    {
        var inner = new DllNotFoundException("x");
        var failure = OpenCvLoadFailure.Explain(Probes, Architecture.Arm64, inner);

        Assert.Contains("Arm64", failure.Cause, StringComparison.Ordinal);
        Assert.Same(inner, failure.InnerException);
    }

    [Fact]
    public void The_environment_block_is_searched_by_whole_names()
    {
        var block = "AA=1\0OPENCV_IO_MAX_IMAGE_PIXELSX=3\0OPENCV_IO_MAX_IMAGE_PIXELS=25\0B=2"u8;

        Assert.Equal("25", NativePixelLimit.Find(block, NativePixelLimit.Variable));
        Assert.Equal("2", NativePixelLimit.Find(block, "B"));
        Assert.Null(NativePixelLimit.Find(block, "A"));
        Assert.Null(NativePixelLimit.Find([], "A"));
        Assert.Null(NativePixelLimit.Find(block, new string('x', 200)));
    }

    [Theory]
    [InlineData("25000000", 25_000_000)]
    [InlineData(" 24MB ", 24L * 1024 * 1024)]
    [InlineData("10kb", 10_240)]
    public void A_limit_is_read_as_opencv_reads_it(string text, long pixels)
    {
        Assert.True(NativePixelLimit.TryParse(text, out var parsed));
        Assert.Equal(pixels, parsed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-5")]
    [InlineData("MB")]
    [InlineData("9223372036854775807KB")]
    public void What_is_no_number_is_no_limit(string? text) => Assert.False(NativePixelLimit.TryParse(text, out _));

    [Theory]
    [InlineData(null, null, "is not set")]
    [InlineData(null, "25", "inside the process")]
    [InlineData("lots", null, "not to a number")]
    [InlineData("30000000", null, "more than the 25000000")]
    [InlineData("20000000", null, "do not keep to")]
    public void The_explanation_tells_why_there_is_no_limit(string? atStart, string? managed, string words)
    {
        var failure = NativePixelLimit.Explain(atStart, managed, 25_000_000);

        Assert.Contains(words, failure.Cause, StringComparison.Ordinal);
        Assert.Contains("OPENCV_IO_MAX_IMAGE_PIXELS=25000000", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void The_native_decoders_are_held_to_the_limit_they_have()
    {
        // Whatever the launcher set, or OpenCV's own 2^30 where it set nothing.
        var actual = NativePixelLimit.TryParse(Environment.GetEnvironmentVariable(NativePixelLimit.Variable), out var set) ? set : 1L << 30;

        OpenCvRuntime.AssertPixelLimit(actual);
        Assert.Throws<NativeLibraryException>(() => OpenCvRuntime.AssertPixelLimit(actual / 2));
    }

    [Theory]
    [InlineData(0)]
    [InlineData((1L << 30) + 1)]
    public void An_impossible_limit_is_a_mistake_of_the_caller(long maxPixels) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => OpenCvRuntime.AssertPixelLimit(maxPixels));
}
