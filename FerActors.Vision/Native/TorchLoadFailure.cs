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

    /// <summary>One or two sentences: the cause, then the remedy.</summary>
    public static string Explain(string library, string linkerMessage)
    {
        if (MissingCxxVersion(linkerMessage) is { } version)
        {
            return $"{library} needs {version} of libstdc++, which this system's libstdc++.so.6 lacks, and its copy in the application's folder could not be adapted. "
                + "Make that folder writable for one start, or use a system with GCC 13.2's libstdc++ (Debian 13, Ubuntu 24.04 or newer).";
        }

        if (MissingLibC().Match(linkerMessage) is { Success: true } libc)
        {
            return $"{library} needs {libc.Groups[1].Value} of the C library. Use a newer system (Debian 12, Ubuntu 22.04 or newer).";
        }

        if (MissingObject().Match(linkerMessage) is { Success: true } missing)
        {
            var name = missing.Groups[1].Value;
            var remedy = name switch
            {
                _ when name.StartsWith("libgomp", StringComparison.Ordinal) => "Install it (Debian, Ubuntu: apt-get install libgomp1).",
                _ when name.StartsWith("libcu", StringComparison.Ordinal) || name.StartsWith("libnv", StringComparison.Ordinal) =>
                    "It belongs to CUDA: install the driver and CUDA runtime that this libtorch was built for, or use the CPU build.",
                _ when name.StartsWith("libtorch", StringComparison.Ordinal) || name.StartsWith("libc10", StringComparison.Ordinal) =>
                    $"It belongs to libtorch: publish with the libtorch package, or name the folder that holds it in {TorchRuntime.LibTorchDirectoryVariable}.",
                _ => "Install the package that holds it.",
            };
            return $"{library} needs {name}, which was not found. {remedy}";
        }

        return $"{library} cannot be loaded: {linkerMessage.Trim()}";
    }

    [GeneratedRegex(@"version [`'](GLIBCXX_[0-9.]+|CXXABI_[0-9.]+)' not found")]
    private static partial Regex MissingVersion();

    [GeneratedRegex(@"version [`'](GLIBC_[0-9.]+)' not found")]
    private static partial Regex MissingLibC();

    [GeneratedRegex(@"(?:^|[\s:])(lib[^\s:/]+\.so[^\s:]*): cannot open shared object file")]
    private static partial Regex MissingObject();
}
