using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace FerActors.Vision.Native;

/// <summary>Finds the true cause in what the loader said about OpenCvSharp's native library.</summary>
/// <remarks>
/// .NET joins the answers of every path it tried into one message, most of which only say that a path does not exist. The one line
/// that matters (a missing dependency, a foreign architecture, a too old C library) stands somewhere among them.
/// </remarks>
public static partial class OpenCvLoadFailure
{
    private const string Library = "OpenCvSharpExtern";

    /// <summary>Debian packages of the libraries that the runtime package links against and does not carry.</summary>
    private static readonly Dictionary<string, string> Packages = new(StringComparer.Ordinal)
    {
        ["libgtk-3.so.0"] = "apt-get install libgtk-3-0 (Ubuntu 24.04 and Debian 13: libgtk-3-0t64)",
        ["libgdk-3.so.0"] = "apt-get install libgtk-3-0 (Ubuntu 24.04 and Debian 13: libgtk-3-0t64)",
        ["libgobject-2.0.so.0"] = "apt-get install libglib2.0-0 (Ubuntu 24.04 and Debian 13: libglib2.0-0t64)",
        ["libglib-2.0.so.0"] = "apt-get install libglib2.0-0 (Ubuntu 24.04 and Debian 13: libglib2.0-0t64)",
        ["libgdk_pixbuf-2.0.so.0"] = "apt-get install libgdk-pixbuf-2.0-0",
        ["libdrm.so.2"] = "apt-get install libdrm2",
        ["libatomic.so.1"] = "apt-get install libatomic1",
        ["libX11.so.6"] = "apt-get install libx11-6",
        ["libcairo.so.2"] = "apt-get install libcairo2",
        ["libfreetype.so.6"] = "apt-get install libfreetype6",
        ["libharfbuzz.so.0"] = "apt-get install libharfbuzz0b",
        ["libstdc++.so.6"] = "apt-get install libstdc++6",
    };

    /// <summary>Turns the loader's message into the cause and the remedy.</summary>
    /// <param name="loaderMessage">The message of the <see cref="DllNotFoundException"/> (dlopen's own words among others).</param>
    /// <param name="architecture">The process's architecture.</param>
    /// <param name="inner">The loader's exception, kept as the inner one.</param>
    public static NativeLibraryException Explain(string loaderMessage, Architecture architecture, Exception? inner = null)
    {
        ArgumentNullException.ThrowIfNull(loaderMessage);
        var (cause, remedy) = FindCause(loaderMessage, architecture);
        return new NativeLibraryException(Library, cause, remedy, inner);
    }

    private static (string Cause, string Remedy) FindCause(string message, Architecture architecture)
    {
        foreach (Match match in MissingObject().Matches(message))
        {
            var soname = Path.GetFileName(match.Groups[1].Value);
            if (soname.Contains(Library, StringComparison.Ordinal))
            {
                continue;
            }

            var remedy = Packages.TryGetValue(soname, out var command)
                ? $"Install it: {command}."
                : $"Install the package that provides {soname}, for example found with 'apt-file search {soname}'.";
            return ($"the shared library {soname}, which it is linked against, is not installed.", remedy);
        }

        if (MissingVersion().Match(message) is { Success: true } version)
        {
            return (
                $"it needs {version.Groups[1].Value}, which the C or C++ library of this system is too old to have.",
                "Run it on a newer distribution (Debian 12 or Ubuntu 22.04 and later).");
        }

        if (WrongArchitecture().IsMatch(message) || (architecture != Architecture.X64 && IsAbsent(message)))
        {
            return (
                $"the native library that is deployed was not built for this process's architecture ({architecture}).",
                "Run the x64 image, or reference OpenCvSharp's runtime package for this architecture.");
        }

        if (IsAbsent(message))
        {
            return (
                $"lib{Library}.so is not among the program's files.",
                "Deploy the folder runtimes/linux-x64/native that the build puts beside the program.");
        }

        var firstLine = message.Split('\n', 2)[0].Trim();
        return ($"the loader says: {firstLine}", "Run 'ldd' on the library to see what it misses.");
    }

    private static bool IsAbsent(string message) =>
        message.Contains("cannot open shared object file", StringComparison.Ordinal)
        || message.Contains("no such file", StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"(\S+\.so(?:\.\d+)*): cannot open shared object file", RegexOptions.CultureInvariant)]
    private static partial Regex MissingObject();

    [GeneratedRegex(@"version [`'""]([A-Za-z_]+_[\d.]+)'? not found", RegexOptions.CultureInvariant)]
    private static partial Regex MissingVersion();

    [GeneratedRegex("wrong ELF class|invalid ELF header|Exec format error|incompatible architecture", RegexOptions.CultureInvariant)]
    private static partial Regex WrongArchitecture();
}
