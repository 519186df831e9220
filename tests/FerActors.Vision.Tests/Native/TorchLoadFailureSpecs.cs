using FerActors.Vision.Native;

namespace FerActors.Vision.Tests.Native;

public sealed class TorchLoadFailureSpecs
{
    private const string Preamble =
        "Unable to load shared library '/app/libLibTorchSharp.so' or one of its dependencies. In order to help diagnose loading "
        + "problems, consider using a tool like strace. If you're using glibc, consider setting the LD_DEBUG environment variable: \n";

    [Theory]
    [InlineData(
        "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/libLibTorchSharp.so)\n",
        "GLIBCXX_3.4.32 of libstdc++",
        "Make that folder writable")]
    [InlineData(
        "/usr/lib/libstdc++.so.6: version 'CXXABI_1.3.15' not found (required by /app/libtorch_cpu.so)\n",
        "CXXABI_1.3.15 of libstdc++",
        "GCC 13.2")]
    [InlineData(
        "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /app/libtorch_cpu.so)\n",
        "GLIBC_2.38 of the C library",
        "Use a newer system")]
    [InlineData(
        "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_ABI_DT_RELR' not found (required by /app/libc10.so)\n",
        "GLIBC_ABI_DT_RELR of the C library",
        "Use a newer system")]
    [InlineData(
        "libgomp.so.1: cannot open shared object file: No such file or directory\n", "libgomp.so.1", "apt-get install libgomp1")]
    [InlineData(
        "libcudart.so.12: cannot open shared object file: No such file or directory\n", "libcudart.so.12", "use the CPU build")]
    [InlineData(
        "libnvrtc.so.12: cannot open shared object file: No such file or directory\n", "libnvrtc.so.12", "belongs to CUDA")]
    [InlineData(
        "libtorch.so: cannot open shared object file: No such file or directory\n", "libtorch.so", TorchRuntime.LibTorchDirectoryVariable)]
    [InlineData(
        "libc10.so: cannot open shared object file: No such file or directory\n", "libc10.so", "publish with the libtorch package")]
    [InlineData(
        "libnuma.so.1: cannot open shared object file: No such file or directory\n", "libnuma.so.1", "Install the package")]
    [InlineData("/app/libtorch_cpu.so: file too short\n", "file too short", "Restore and build again")]
    public void The_cause_and_the_remedy_are_named(string linkerMessage, string cause, string remedy)
    {
        var error = TorchLoadFailure.Explain("libLibTorchSharp.so", Preamble + linkerMessage);

        Assert.Equal("libLibTorchSharp.so", error.Library);
        Assert.Contains(cause, error.Cause, StringComparison.Ordinal);
        Assert.Contains(remedy, error.Remedy, StringComparison.Ordinal);
        Assert.Contains(error.Cause, error.Message, StringComparison.Ordinal);
        Assert.Contains(error.Remedy, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/a.so)", "GLIBCXX_3.4.32")]
    [InlineData("/lib/libc.so.6: version `GLIBC_2.38' not found (required by /app/a.so)", null)]
    [InlineData("libgomp.so.1: cannot open shared object file: No such file or directory", null)]
    public void Only_the_cxx_runtime_can_be_adapted_to(string linkerMessage, string? version)
    {
        Assert.Equal(version, TorchLoadFailure.MissingCxxVersion(linkerMessage));
    }
}
