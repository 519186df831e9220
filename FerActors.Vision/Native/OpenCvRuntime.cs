using System.Buffers.Binary;
using System.Runtime.InteropServices;
using OpenCvSharp;

namespace FerActors.Vision.Native;

/// <summary>Brings OpenCV's native library up, and says what is wrong where that fails.</summary>
public static class OpenCvRuntime
{
    private const string Library = "OpenCvSharpExtern";
    private const int MaxNativeSide = 1 << 20;
    private const long MaxNativePixels = 1L << 30;

    private static readonly Lock Gate = new();
    private static bool _loaded;

    /// <summary>Loads the native library. Later calls cost nothing; a failed one may be tried again.</summary>
    /// <remarks>
    /// OpenCV's own threads are switched off: pictures are processed side by side by the workers, and a pool per call would only
    /// compete with them. Its log is silent, since it speaks of the pictures of strangers; what matters comes back as an exception.
    /// </remarks>
    /// <exception cref="NativeLibraryException">It cannot be loaded; the message names the cause and the remedy.</exception>
    public static void EnsureLoaded()
    {
        lock (Gate)
        {
            if (_loaded)
            {
                return;
            }

            try
            {
                NativeLibrary.Load(Library, typeof(Cv2).Assembly, searchPath: null);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                throw OpenCvLoadFailure.Explain(e.Message, RuntimeInformation.ProcessArchitecture, e);
            }

            Cv2.SetNumThreads(1);
            Cv2.SetLogLevel(LogLevel.SILENT);
            _loaded = true;
        }
    }

    /// <summary>
    /// Asserts that the native decoders themselves refuse pictures of more than <paramref name="maxPixels"/> pixels, whatever the
    /// check of the header let pass.
    /// </summary>
    /// <remarks>
    /// The library is asked, not the environment: it is given a header that announces a slightly larger picture, without pixels.
    /// </remarks>
    /// <param name="maxPixels">Width times height, from 1 to 2^30, which is OpenCV's own limit.</param>
    /// <exception cref="NativeLibraryException">They accept more; the message says why and how to start the process.</exception>
    public static void AssertPixelLimit(long maxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPixels, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxPixels, MaxNativePixels);
        EnsureLoaded();
        if (!RefusesMoreThan(maxPixels))
        {
            throw NativePixelLimit.Explain(EnvironmentAtStart(), Environment.GetEnvironmentVariable(NativePixelLimit.Variable), maxPixels);
        }
    }

    private static bool RefusesMoreThan(long maxPixels)
    {
        try
        {
            using var picture = Cv2.ImDecode(AnnouncePixels(maxPixels + 1), ImreadModes.Grayscale);
            return false;
        }
        catch (OpenCVException e)
        {
            return e.Message.Contains("CV_IO_MAX_IMAGE_PIXELS", StringComparison.Ordinal);
        }
    }

    /// <summary>A BMP without pixels whose header announces at least, and hardly more than, so many of them.</summary>
    private static byte[] AnnouncePixels(long pixels)
    {
        var width = (pixels + MaxNativeSide - 1) / MaxNativeSide;
        var height = (pixels + width - 1) / width;
        var bmp = new byte[54];
        "BM"u8.CopyTo(bmp);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(2), bmp.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(10), bmp.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), (int)width);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(22), (int)height);
        BinaryPrimitives.WriteInt16LittleEndian(bmp.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(bmp.AsSpan(28), 24);
        return bmp;
    }

    private static string? EnvironmentAtStart()
    {
        try
        {
            return NativePixelLimit.Find(File.ReadAllBytes("/proc/self/environ"), NativePixelLimit.Variable);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.GetEnvironmentVariable(NativePixelLimit.Variable);
        }
    }
}
