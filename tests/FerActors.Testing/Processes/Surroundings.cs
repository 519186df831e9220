using OpenCvSharp;

namespace FerActors.Testing.Processes;

/// <summary>The checkout around the tests: its root, the shipped model, and what may stand beside it.</summary>
public static class Surroundings
{
    public static string Root { get; } = FindRoot();

    public static string ShippedModel => Path.Combine(Root, "models", "fer-vit-compact");

    /// <summary>A folder beside the checkout, or under <c>FER_SHARED_DIR</c>; it may be absent.</summary>
    public static string Shared(string folder) =>
        Path.Combine(Environment.GetEnvironmentVariable("FER_SHARED_DIR") ?? Path.Combine(Root, "..", "shared"), folder);

    /// <summary>An encoded picture of a disk on a plain ground.</summary>
    public static byte[] Picture(string format, int side = 120)
    {
        using var picture = new Mat(side, side, MatType.CV_8UC3, Scalar.All(120));
        Cv2.Circle(picture, new Point(side / 2, side / 2), side / 4, Scalar.All(200), -1);
        return picture.ImEncode(format);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FerActors.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("FerActors.sln is above none of the test's folders.");
    }
}
