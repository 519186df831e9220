using System.Globalization;
using System.Text;

namespace FerActors.Vision.Native;

/// <summary>The limit that OpenCV's own decoders put on a picture, and why it may not be the wanted one. Pure; no native call.</summary>
/// <remarks>
/// OpenCV reads the variable once, when its library is loaded, with the C library's <c>getenv</c>. .NET keeps a copy of the
/// environment of its own, so <see cref="Environment.SetEnvironmentVariable(string, string)"/> never reaches it (measured).
/// </remarks>
public static class NativePixelLimit
{
    /// <summary>The variable that OpenCV reads.</summary>
    public const string Variable = "OPENCV_IO_MAX_IMAGE_PIXELS";

    /// <summary>Finds a variable in an environment block: <c>NAME=value</c> entries that end with a zero byte.</summary>
    /// <returns>The value of the first entry of that name, or <see langword="null"/>.</returns>
    public static string? Find(ReadOnlySpan<byte> block, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Span<byte> prefix = stackalloc byte[128];
        if (!Encoding.UTF8.TryGetBytes(name + "=", prefix, out var length))
        {
            return null;
        }

        prefix = prefix[..length];
        while (!block.IsEmpty)
        {
            var end = block.IndexOf((byte)0);
            var entry = end < 0 ? block : block[..end];
            if (entry.StartsWith(prefix))
            {
                return Encoding.UTF8.GetString(entry[prefix.Length..]);
            }

            block = end < 0 ? default : block[(end + 1)..];
        }

        return null;
    }

    /// <summary>Reads a limit as OpenCV reads it: a decimal number, optionally in <c>KB</c> or <c>MB</c> (of 1024).</summary>
    public static bool TryParse(string? value, out long pixels)
    {
        pixels = 0;
        var text = (value ?? "").Trim();
        var unit = 1L;
        if (text.EndsWith("MB", StringComparison.OrdinalIgnoreCase))
        {
            unit = 1024 * 1024;
        }
        else if (text.EndsWith("KB", StringComparison.OrdinalIgnoreCase))
        {
            unit = 1024;
        }

        if (unit > 1)
        {
            text = text[..^2];
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > long.MaxValue / unit)
        {
            return false;
        }

        pixels = number * unit;
        return true;
    }

    /// <summary>The exception for a native library that decodes pictures of more than <paramref name="maxPixels"/> pixels.</summary>
    /// <param name="atStart">The variable's value in the environment the process was started with.</param>
    /// <param name="managed">The variable's value as .NET has it, which may have been set later.</param>
    /// <param name="maxPixels">The limit that is wanted.</param>
    public static NativeLibraryException Explain(string? atStart, string? managed, long maxPixels)
    {
        string cause;
        if (atStart is null)
        {
            cause = managed is null
                ? $"its decoders have no pixel limit, since {Variable} is not set."
                : $"its decoders have no pixel limit: {Variable} was set inside the process, where the native library cannot see it.";
        }
        else if (!TryParse(atStart, out var pixels))
        {
            cause = $"its decoders have no pixel limit: {Variable} is set, but not to a number.";
        }
        else if (pixels > maxPixels)
        {
            cause = string.Create(CultureInfo.InvariantCulture, $"its decoders accept {pixels} pixels ({Variable}), more than the {maxPixels} that are allowed.");
        }
        else
        {
            cause = $"its decoders do not keep to {Variable}.";
        }

        return new NativeLibraryException(
            "OpenCvSharpExtern",
            cause,
            string.Create(CultureInfo.InvariantCulture, $"Start the process with {Variable}={maxPixels} in its environment (unit file, image or shell)."));
    }
}
