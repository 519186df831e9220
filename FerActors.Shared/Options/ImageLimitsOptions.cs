using System.ComponentModel.DataAnnotations;

namespace FerActors.Shared.Options;

/// <summary>How large a picture may be. All three limits are checked on the header, before any pixel is decoded.</summary>
public sealed class ImageLimitsOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "Images";

    /// <summary>Encoded bytes; the default is 8 MiB.</summary>
    [Range(1, 256 * 1024 * 1024)]
    public int MaxBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>Width times height; the default is 25 million.</summary>
    /// <remarks>
    /// The native decoder must be held to the same limit through <c>OPENCV_IO_MAX_IMAGE_PIXELS</c>, which only the launcher can set.
    /// </remarks>
    [Range(1, 1 << 30)]
    public int MaxPixels { get; set; } = 25_000_000;

    /// <summary>Width and height each, in pixels; the default is 8192.</summary>
    [Range(1, 1 << 20)]
    public int MaxSide { get; set; } = 8192;
}
