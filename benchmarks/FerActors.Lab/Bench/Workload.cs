using FerActors.Shared.Files;
using FerActors.Shared.Protocol;
using OpenCvSharp;

namespace FerActors.Lab.Bench;

/// <summary>Images to be sent in turn.</summary>
/// <param name="Name">For the tables.</param>
/// <param name="Bodies">Encoded images, at least one.</param>
/// <param name="Aligned">They are crops of one face: no detection.</param>
internal sealed record Workload(string Name, IReadOnlyList<byte[]> Bodies, bool Aligned)
{
    private const int CropSide = 48;
    private const int Crops = 64;
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".webp", ".bmp"];

    public IReadOnlyDictionary<string, string> Headers { get; } =
        new Dictionary<string, string> { [RequestHeaders.Aligned] = Aligned ? "true" : "false" };

    /// <summary>What the headers mean.</summary>
    public RequestOptions Request => RequestOptions.Default with { Aligned = Aligned };

    /// <summary>Gray PNGs of FER2013's size. What they show does not change what they cost.</summary>
    public static Workload CroppedFaces() => new("48x48 crops", [.. Enumerable.Range(1, Crops).Select(Crop)], Aligned: true);

    /// <summary>The photos of a folder, or made ones without a face where it has none.</summary>
    public static Workload Photos(string? folder) => Photos(folder, _ => true);

    /// <summary>The photos of a folder that are wanted, or made ones without a face where there are none.</summary>
    public static Workload Photos(string? folder, Func<byte[], bool> wanted)
    {
        var files = folder is null || !Directory.Exists(folder)
            ? []
            : Directory.EnumerateFiles(folder).Where(f => Extensions.Contains(Path.GetExtension(f).ToLowerInvariant())).Order(StringComparer.Ordinal).ToList();
        var bodies = files.Select(RegularFile.ReadAllBytes).Where(wanted).ToList();
        return bodies.Count > 0
            ? new Workload("photos", bodies, Aligned: false)
            : new Workload("photos (made, no faces)", [SyntheticPhoto.Jpeg(500, 375), SyntheticPhoto.Jpeg(640, 480)], Aligned: false);
    }

    private static byte[] Crop(int seed)
    {
        using var bgr = SyntheticPhoto.Bgr(CropSide, CropSide, (ulong)seed);
        using var gray = new Mat();
        Cv2.CvtColor(bgr, gray, ColorConversionCodes.BGR2GRAY);
        return gray.ImEncode(".png");
    }
}
