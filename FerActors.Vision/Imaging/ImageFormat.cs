namespace FerActors.Vision.Imaging;

/// <summary>The accepted encodings.</summary>
public enum ImageFormat
{
    Jpeg,
    Png,
    WebP,
    Bmp,
}

/// <summary>Names of the encodings as results carry them.</summary>
public static class ImageFormatNames
{
    /// <returns><c>jpeg</c>, <c>png</c>, <c>webp</c> or <c>bmp</c>.</returns>
    public static string Name(this ImageFormat format) => format switch
    {
        ImageFormat.Jpeg => "jpeg",
        ImageFormat.Png => "png",
        ImageFormat.WebP => "webp",
        ImageFormat.Bmp => "bmp",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown format."),
    };
}
