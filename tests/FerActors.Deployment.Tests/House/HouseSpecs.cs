using System.Xml.Linq;

namespace FerActors.Deployment.Tests.House;

/// <summary>The planes of docs/architecture.md, as the sources and the project files have them.</summary>
public sealed class HouseSpecs
{
    private static readonly string[] Products =
        [.. Directory.GetDirectories(Checkout.Root, "FerActors.*").Where(f => Directory.GetFiles(f, "*.csproj").Length > 0).Select(f => Path.GetFileName(f)).Order()];

    public static TheoryData<string> Projects => [.. Products];

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_folders_of_a_project_need_each_other(string project) => Assert.Empty(FolderGraph.Of(Sources(project)).Circles());

    [Theory]
    [MemberData(nameof(Projects))]
    public void Each_file_has_the_namespace_of_its_folder(string project)
    {
        var strangers = Files(project)
            .Select(file => (Path: Path.GetRelativePath(Checkout.Root, file), Line: File.ReadLines(file).FirstOrDefault(l => l.StartsWith("namespace ", StringComparison.Ordinal))))
            .Where(f => f.Line is not null && f.Line != $"namespace {Path.GetDirectoryName(f.Path)!.Replace(Path.DirectorySeparatorChar, '.')};")
            .Select(f => f.Path)
            .ToList();

        Assert.Empty(strangers);
    }

    [Fact]
    public void A_circle_is_found_and_the_types_that_close_it_are_named()
    {
        var graph = FolderGraph.Of(
        [
            "using FerActors.B;\nnamespace FerActors.A;\npublic class One { Two two; }",
            "using FerActors.A;\nnamespace FerActors.B;\npublic class Two { One one; }",
            "using FerActors.A;\nnamespace FerActors.C;\n// Two\npublic class Three { One one; string s = \"Two\"; }",
        ]);

        Assert.Equal(["FerActors.A -> FerActors.B: Two", "FerActors.B -> FerActors.A: One"], graph.Circles());
    }

    [Theory]
    [InlineData("FerActors.Shared", "")]
    [InlineData("FerActors.Client", "FerActors.Shared")]
    [InlineData("FerActors.Control", "FerActors.Shared")]
    [InlineData("FerActors.Vision", "FerActors.Shared")]
    [InlineData("FerActors.Inference", "FerActors.Shared FerActors.Vision")]
    [InlineData("FerActors.Training", "FerActors.Shared FerActors.Vision")]
    public void A_project_refers_to_no_other_than_the_planes_below_it(string project, string allowed)
    {
        if (!Products.Contains(project))
        {
            return;
        }

        var referred = XDocument.Load(ProjectFile(project)).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));

        Assert.Empty(referred.Except(allowed.Split(' ')));
    }

    [Theory]
    [InlineData("FerActors.Shared", "Akka TorchSharp OpenCvSharp4 RabbitMQ.Client Google.Protobuf Microsoft.ML.OnnxRuntime")]
    [InlineData("FerActors.Client", "Akka TorchSharp OpenCvSharp4 Google.Protobuf Microsoft.ML.OnnxRuntime")]
    [InlineData("FerActors.Control", "TorchSharp OpenCvSharp4 RabbitMQ.Client Microsoft.ML.OnnxRuntime")]
    [InlineData("FerActors.Vision", "Akka RabbitMQ.Client")]
    [InlineData("FerActors.Inference", "RabbitMQ.Client Akka.Persistence")]
    [InlineData("FerActors.Training", "RabbitMQ.Client Akka.Persistence")]
    [InlineData("FerActors.Host", "BenchmarkDotNet")]
    public void A_project_has_no_package_of_another_plane(string project, string refused)
    {
        if (!Products.Contains(project))
        {
            return;
        }

        var packages = XDocument.Load(ProjectFile(project)).Descendants("PackageReference").Select(p => p.Attribute("Include")!.Value).ToList();

        Assert.DoesNotContain(packages, p => refused.Split(' ').Any(r => p == r || p.StartsWith(r + ".", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("FerActors.Inference.Models", "FerActors.Inference.Serving")]
    [InlineData("FerActors.Inference.Serving", "FerActors.Inference.Pipeline")]
    [InlineData("FerActors.Host.Broker", "FerActors.Host.Intake")]
    [InlineData("FerActors.Host.Results", "FerActors.Host.Intake")]
    public void A_lower_plane_names_nothing_of_the_one_above(string lower, string upper) =>
        Assert.Empty(FolderGraph.Of(Sources(string.Join('.', lower.Split('.').Take(2)))).Between(lower, upper));

    private static string ProjectFile(string project) => Checkout.At(project, project + ".csproj");

    private static IEnumerable<string> Sources(string project) => Files(project).Select(File.ReadAllText);

    private static IEnumerable<string> Files(string project) => Directory.EnumerateFiles(Checkout.At(project), "*.cs", SearchOption.AllDirectories)
        .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));
}
