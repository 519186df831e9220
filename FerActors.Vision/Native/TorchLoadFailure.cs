using System.Text.RegularExpressions;

namespace FerActors.Vision.Native;

/// <summary>What the dynamic linker's message about libtorch means, and what to do about it.</summary>
/// <remarks>TorchSharp itself answers every failure with the advice to add a package reference, which seldom is the cause.</remarks>
internal static partial class TorchLoadFailure
{
    /// <summary>The C++ runtime's version that the message misses, for example <c>GLIBCXX_3.4.32</c>; else <see langword="null"/>.</summary>
    public static string? MissingCxxVersion(string linkerMessage)
    {
        var match = MissingVersion().Match(linkerMessage);
        return match.Success ? match.Groups[1].Value : null;
    }

    /// <summary>The exception to throw: the cause in one sentence and the remedy in another.</summary>
    public static NativeLibraryException Explain(string library, string linkerMessage)
    {
        if (MissingCxxVersion(linkerMessage) is { } version)
        {
            return new NativeLibraryException(
                library,
                $"It needs {version} of libstdc++, which this system's libstdc++.so.6 lacks, and its copy in the application's folder could not be adapted.",
                "Make that folder writable for one start, or use a system with the libstdc++ of GCC 13.2 (Debian 13, Ubuntu 24.04 or newer).");
        }

        if (MissingLibC().Match(linkerMessage) is { Success: true } libc)
        {
            return new NativeLibraryException(
                library, $"It needs {libc.Groups[1].Value} of the C library.", "Use a newer system (Debian 12, Ubuntu 22.04 or newer).");
        }

        if (MissingObject().Match(linkerMessage) is { Success: true } missing)
        {
            var name = missing.Groups[1].Value;
            return new NativeLibraryException(library, $"It needs {name}, which was not found.", RemedyFor(name));
        }

        return new NativeLibraryException(library, linkerMessage.Trim(), "Restore and build again on this machine.");
    }

    private static string RemedyFor(string name)
    {
        bool Is(string prefix) => name.StartsWith(prefix, StringComparison.Ordinal);
        if (Is("libgomp"))
        {
            return "Install it (Debian, Ubuntu: apt-get install libgomp1).";
        }

        if (Is("libcu") || Is("libnv"))
        {
            return "It belongs to CUDA: install the driver and the CUDA runtime that this libtorch was built for, or use the CPU build.";
        }

        return Is("libtorch") || Is("libc10")
            ? $"It belongs to libtorch: publish with the libtorch package, or name the folder that holds it in {TorchRuntime.LibTorchDirectoryVariable}."
            : "Install the package that holds it.";
    }

    [GeneratedRegex(@"version [`'](GLIBCXX_[0-9.]+|CXXABI_[0-9.]+)' not found")]
    private static partial Regex MissingVersion();

    [GeneratedRegex(@"version [`'](GLIBC_[A-Z0-9_.]+)' not found")]
    private static partial Regex MissingLibC();

    [GeneratedRegex(@"(?:^|[\s:])(lib[^\s:/]+\.so[^\s:]*): cannot open shared object file")]
    private static partial Regex MissingObject();
}
