using System.Runtime.InteropServices;

namespace FerActors.Vision.Native;

/// <summary>The process environment as native libraries see it.</summary>
/// <remarks>.NET keeps a copy of its own: what <see cref="Environment.SetEnvironmentVariable(string, string?)"/> sets never reaches C code.</remarks>
public static partial class NativeEnvironment
{
    /// <summary>
    /// Makes OpenCV's own decoders refuse larger pictures. It has an effect only before OpenCV is loaded, so it is called first
    /// thing; a limit that the launcher set is left as it is.
    /// </summary>
    /// <param name="maxPixels">Width times height.</param>
    public static void LimitPixels(long maxPixels)
    {
        var value = maxPixels.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (OperatingSystem.IsWindows())
        {
            _ = SetOnWindows($"{NativePixelLimit.Variable}={value}");
        }
        else
        {
            _ = SetOnUnix(NativePixelLimit.Variable, value, overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetOnUnix(string name, string value, int overwrite);

    [LibraryImport("ucrtbase", EntryPoint = "_putenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int SetOnWindows(string assignment);
}
