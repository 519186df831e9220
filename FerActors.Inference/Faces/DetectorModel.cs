using System.Security.Cryptography;
using FerActors.Shared.Files;

namespace FerActors.Inference.Faces;

/// <summary>A file of YuNet whose bytes are known.</summary>
/// <param name="FileName">The name under which it is looked for.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">64 lower-case hex digits.</param>
public sealed record DetectorModel(string FileName, long Bytes, string Sha256)
{
    /// <summary>The one of OpenCV's model zoo, which the Hub has in the repository <see cref="Repository"/>.</summary>
    public static readonly DetectorModel Zoo = new(
        "face_detection_yunet_2023mar.onnx", 232_589, "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4");

    /// <summary>The larger one of the authors' own repository: it finds more small faces.</summary>
    public static readonly DetectorModel Larger = new(
        "yunet_n_640_640.onnx", 317_466, "25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31");

    /// <summary>The Hub's repository of <see cref="Zoo"/>.</summary>
    public const string Repository = "opencv/face_detection_yunet";

    /// <summary>All, the better one first.</summary>
    public static IReadOnlyList<DetectorModel> Known { get; } = [Larger, Zoo];

    /// <summary>
    /// The folder that <c>fer detector fetch</c> fills and every node searches last: <c>feractors/detectors</c> in
    /// <c>$XDG_CACHE_HOME</c>, else in <c>~/.cache</c>. Absent for a user without a home.
    /// </summary>
    public static string? CacheFolder => FolderOf(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    /// <summary>Whether these are the bytes of the file.</summary>
    public bool Matches(ReadOnlySpan<byte> bytes) => bytes.Length == Bytes && Convert.ToHexStringLower(SHA256.HashData(bytes)) == Sha256;

    /// <summary>Whether a folder holds the file, whole and unchanged.</summary>
    public bool IsIn(string folder)
    {
        var file = new FileInfo(Path.Combine(folder, FileName));
        return file.Exists && file.Length == Bytes && Matches(RegularFile.ReadAllBytes(file.FullName));
    }

    internal static string? FolderOf(Func<string, string?> variable, string userFolder)
    {
        // The specification of XDG's folders ignores a relative one.
        var cache = variable("XDG_CACHE_HOME") is { } configured && Path.IsPathRooted(configured) ? configured
            : userFolder.Length > 0 ? Path.Combine(userFolder, ".cache")
            : null;
        return cache is null ? null : Path.Combine(cache, "feractors", "detectors");
    }
}
