using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Xml.Linq;
using FerActors.Inference.Faces;
using FerActors.Shared.Protocol;

namespace FerActors.Inference.Tests.Faces;

/// <summary>Photos, detector models and FER2013, which are not part of the repository. Tests that need them skip where they are absent.</summary>
internal static class SharedData
{
    private static readonly string? Root = Find();

    /// <summary>The path of a file of the shared folder; skips the test where it does not exist.</summary>
    public static string Require(params string[] parts)
    {
        var path = Path.Combine([Root ?? "", .. parts]);
        Skip.If(Root is null || !File.Exists(path), $"{Path.Combine(parts)} is not here (FER_SHARED_DIR, or 'shared' beside the checkout).");
        return path;
    }

    /// <summary>A YuNet file by its name: of the shared folder, or where <c>fer detector fetch</c> puts it; skips the test where neither has it.</summary>
    public static string Model(string name) =>
        Found(Root is null ? null : Path.Combine(Root, "models"), name) ?? Found(DetectorModel.CacheFolder, name) ?? Absent(name);

    /// <summary>Any YuNet file, the better one first.</summary>
    public static string AnyModel() => Model(DetectorModel.Known.FirstOrDefault(model =>
        Found(Root is null ? null : Path.Combine(Root, "models"), model.FileName) is not null || Found(DetectorModel.CacheFolder, model.FileName) is not null)?.FileName
        ?? DetectorModel.Zoo.FileName);

    /// <summary>A portrait in the public domain, which <c>./run test</c> takes from a package of Debian.</summary>
    public static byte[] Portrait()
    {
        var path = Repository(".fer", "photos", "astronaut.png");
        Skip.IfNot(File.Exists(path), "The demo's portrait is not here (scripts/prepare photos).");
        return File.ReadAllBytes(path);
    }

    public static byte[] Photo(string name) => File.ReadAllBytes(Require("photos", name));

    /// <summary>The annotated faces of the photos, by file name.</summary>
    public static Dictionary<string, List<FaceBox>> AnnotatedFaces()
    {
        var text = File.ReadAllText(Require("photos", "training_with_face_landmarks.xml"), Encoding.Latin1);
        return XDocument.Parse(text).Descendants("image").ToDictionary(
            image => image.Attribute("file")!.Value,
            image => image.Elements("box").Select(Box).ToList());
    }

    /// <summary>Evenly spread images of FER2013's PublicTest split, 48 x 48 gray values each.</summary>
    public static List<byte[]> PublicTest(int count) => [.. LabelledPublicTest(count).Select(image => image.Pixels)];

    /// <summary>The same with their labels.</summary>
    public static List<(byte[] Pixels, int Label)> LabelledPublicTest(int count)
    {
        const int size = 3589;
        var rows = new List<(byte[], int)>();
        using var file = File.OpenRead(Require("data", "fer2013", "fer2013.csv.gz"));
        using var reader = new StreamReader(new GZipStream(file, CompressionMode.Decompress), Encoding.ASCII);
        for (var index = 0; reader.ReadLine() is { } line && rows.Count < count;)
        {
            if (line.EndsWith("PublicTest", StringComparison.Ordinal) && index++ % (size / count) == 0)
            {
                var fields = line.Split(',');
                var pixels = Array.ConvertAll(fields[1].Split(' '), text => byte.Parse(text, CultureInfo.InvariantCulture));
                rows.Add((pixels, int.Parse(fields[0], CultureInfo.InvariantCulture)));
            }
        }

        return rows;
    }

    /// <summary>A folder of the repository itself.</summary>
    public static string Repository(params string[] parts)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FerActors.sln")))
            {
                return Path.Combine([folder.FullName, .. parts]);
            }
        }

        throw new DirectoryNotFoundException("FerActors.sln is above none of the test's folders.");
    }

    private static string? Found(string? folder, string name) =>
        folder is not null && Path.Combine(folder, name) is var path && File.Exists(path) ? path : null;

    private static string Absent(string name)
    {
        Skip.If(true, $"YuNet's {name} is neither in the shared folder nor in the cache that 'fer detector fetch' fills.");
        return "";
    }

    private static FaceBox Box(XElement box)
    {
        double Number(string name) => double.Parse(box.Attribute(name)!.Value, CultureInfo.InvariantCulture);
        return new FaceBox(Number("left"), Number("top"), Number("width"), Number("height"));
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("FER_SHARED_DIR") is { Length: > 0 } configured)
        {
            return configured;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FerActors.sln")))
            {
                return folder.Parent is { } parent ? Path.Combine(parent.FullName, "shared") : null;
            }
        }

        return null;
    }
}
