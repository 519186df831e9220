namespace FerActors.Vision.Imaging;

/// <summary>
/// Tells whole pictures from damaged ones where decoders do not: what is missing of a JPEG or of a run-length-coded BMP is filled up
/// without a word. PNG has checksums and WebP a strict decoder; both are left to it. Thread-safe.
/// </summary>
public static class PictureIntegrity
{
    private static ReadOnlySpan<byte> JpegStart => [0xFF, 0xD8];

    private static ReadOnlySpan<byte> JpegEnd => [0xFF, 0xD9];

    /// <summary>Reads a picture's file to its end, without computing a sample.</summary>
    /// <param name="file">A file of any kind; only a JPEG and a BMP are looked at.</param>
    /// <returns>
    /// What is wrong, as the rest of a sentence whose subject is the file: <c>is truncated: its picture data end too early</c>.
    /// <see langword="null"/> where nothing is.
    /// </returns>
    public static string? FindDamage(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith(JpegStart))
        {
            return JpegIntegrity.FindDamage(file);
        }

        return file.StartsWith("BM"u8) ? BmpIntegrity.FindDamage(file) : null;
    }

    /// <summary>Adds the end marker to a JPEG that lacks it, were all the picture's data there: OpenCV takes none without.</summary>
    /// <returns>The file itself where nothing is to be added.</returns>
    public static ReadOnlySpan<byte> Complete(ReadOnlySpan<byte> file) =>
        file.StartsWith(JpegStart) && !file.EndsWith(JpegEnd) ? (byte[])[.. file, .. JpegEnd] : file;
}
