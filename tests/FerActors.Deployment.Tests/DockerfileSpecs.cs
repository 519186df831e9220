using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FerActors.Deployment.Tests.Manifests;

namespace FerActors.Deployment.Tests;

/// <summary>The image, as far as its recipe can be read: it cannot be built without Docker.</summary>
public sealed partial class DockerfileSpecs
{
    private static readonly string[] Lines = File.ReadAllLines(Checkout.At("Dockerfile"));

    [Fact]
    public void It_has_a_target_for_each_accelerator_that_builds_for_it()
    {
        var stages = Lines.Select(line => Stage().Match(line)).Where(match => match.Success).Select(match => match.Groups["name"].Value).ToList();

        Assert.All(["cpu", "cuda"], accelerator =>
        {
            Assert.Contains(accelerator, stages);
            Assert.Contains(Lines, line => line.Contains($"-p:FerAccelerator={accelerator}", StringComparison.Ordinal));
            Assert.Contains($"COPY --from=build-{accelerator} /app .", Lines);
            var stage = Lines.SkipWhile(line => line != $"FROM source AS build-{accelerator}").Skip(1).TakeWhile(line => !line.StartsWith("FROM ", StringComparison.Ordinal)).ToList();
            Assert.Contains("ARG FER_DETECTOR_URL=", stage);
            Assert.Contains(stage, line => line.Contains("detector fetch --to /app/models", StringComparison.Ordinal));
        });
        Assert.Equal("cpu", stages[^1]);
    }

    [Fact]
    public void Bases_are_stages_or_pinned()
    {
        var names = new HashSet<string>();
        var arguments = Lines.TakeWhile(line => !line.StartsWith("FROM ", StringComparison.Ordinal)).Where(line => line.StartsWith("ARG ", StringComparison.Ordinal)).Select(line => line[4..].Split('=')).ToDictionary(p => p[0], p => p[1]);
        foreach (var match in Lines.Select(line => Stage().Match(line)).Where(match => match.Success))
        {
            var image = arguments.Aggregate(match.Groups["image"].Value, (text, a) => text.Replace($"${{{a.Key}}}", a.Value, StringComparison.Ordinal));
            Assert.True(names.Contains(image) || Regex.IsMatch(image, @":\d+\.\d+"), $"{image} is not pinned");
            names.Add(match.Groups["name"].Value);
        }
    }

    [Fact]
    public void It_runs_as_the_user_of_the_manifests_and_exposes_their_ports()
    {
        var node = Rendering.Of("base")!.Workload("fer-inference");
        var security = node.Pod.SecurityContext;

        Assert.Contains($"USER {security.RunAsUser}:{security.RunAsGroup}", Lines);
        var exposed = Assert.Single(Lines, line => line.StartsWith("EXPOSE ", StringComparison.Ordinal)).Split(' ');
        Assert.All(node.Node.Ports, port => Assert.Contains(port.ContainerPort.ToString(CultureInfo.InvariantCulture), exposed));
        Assert.Equal("host", Assert.Single(node.Node.Args));
        Assert.Contains("""ENTRYPOINT ["dotnet", "/app/fer.dll"]""", Lines);
    }

    [Fact]
    public void What_it_copies_is_there_and_reaches_the_build()
    {
        var ignored = File.ReadAllLines(Checkout.At(".dockerignore"));

        Assert.Contains("COPY models/ models/", Lines);
        Assert.True(File.Exists(Checkout.At("models", "fer-vit-compact", "model.safetensors")));
        Assert.All(["!models/**", "!FerActors.*/**", "!Directory.*.props", "!global.json"], line => Assert.Contains(line, ignored));
    }

    [Fact]
    public void Packages_are_restored_before_sources_are_copied()
    {
        var projects = With("FerActors.Host");
        var restored = Array.FindIndex(Lines, line => line.StartsWith("RUN dotnet restore", StringComparison.Ordinal));

        Assert.Contains("FerActors.Control", projects);
        Assert.All(projects, project =>
        {
            Assert.InRange(Array.IndexOf(Lines, $"COPY {project}/{project}.csproj {project}/"), 0, restored);
            Assert.InRange(Array.IndexOf(Lines, $"COPY {project}/ {project}/"), restored + 1, Lines.Length);
        });
    }

    // A project and all that it refers to.
    private static HashSet<string> With(string project) =>
    [
        project,
        .. XDocument.Load(Checkout.At(project, project + ".csproj")).Descendants("ProjectReference")
            .SelectMany(r => With(Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')))),
    ];

    [Fact]
    public void Operators_type_fer_inside_the_container() =>
        Assert.Contains(Lines, line => line.Contains("/usr/local/bin/fer", StringComparison.Ordinal) && line.Contains("exec dotnet /app/fer.dll", StringComparison.Ordinal));

    [GeneratedRegex(@"^FROM (?<image>\S+) AS (?<name>\S+)$")]
    private static partial Regex Stage();
}
