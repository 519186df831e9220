using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace FerActors.Deployment.Tests;

public sealed partial class DocumentationSpecs
{
    // Folders of builds, packages and runs hold pages and sources of others.
    private static readonly string[] NotOurs = ["artifacts", "node_modules", ".git", ".fer", "out"];

    public static TheoryData<string> Pages => [.. Files("*.md")];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_of_a_page_leads_to_a_file(string page)
    {
        var folder = Path.GetDirectoryName(Checkout.At(page))!;
        var broken = RelativeLink().Matches(File.ReadAllText(Checkout.At(page)))
            .Select(m => m.Groups["target"].Value)
            .Where(target => !Path.Exists(Path.Combine(folder, target)))
            .ToList();

        Assert.Empty(broken);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_source_file_that_a_page_names_exists(string page)
    {
        var sources = Files("*.cs").Select(Path.GetFileName).ToHashSet();
        var missing = SourceName().Matches(File.ReadAllText(Checkout.At(page)))
            .Select(m => m.Groups["name"].Value)
            .Where(name => !sources.Contains(name))
            .ToList();

        Assert.Empty(missing);
    }

    [Fact]
    public void The_architecture_page_names_every_actor()
    {
        var page = File.ReadAllText(Checkout.At("docs", "architecture.md"));
        var unnamed = Files("*Actor.cs")
            .Where(f => !f.StartsWith("tests/", StringComparison.Ordinal))
            .Select(f => Path.GetFileNameWithoutExtension(f)!)
            .Where(actor => !page.Contains(actor, StringComparison.Ordinal))
            .ToList();

        Assert.Empty(unnamed);
    }

    [Fact]
    public void The_readme_links_every_page()
    {
        var readme = File.ReadAllText(Checkout.At("README.md"));
        var unlinked = Files("*.md")
            .Where(f => f.StartsWith("docs/", StringComparison.Ordinal))
            .Where(f => !readme.Contains($"({f})", StringComparison.Ordinal))
            .ToList();

        Assert.Empty(unlinked);
    }

    [Fact]
    public void The_notices_name_every_package_that_a_product_project_references()
    {
        var notices = File.ReadAllText(Checkout.At("THIRD-PARTY-NOTICES.md"));
        var unnamed = Files("FerActors.*.csproj")
            .Where(f => !f.StartsWith("tests/", StringComparison.Ordinal) && !f.StartsWith("benchmarks/", StringComparison.Ordinal))
            .SelectMany(f => XDocument.Load(Checkout.At(f)).Descendants("PackageReference"))
            .Where(reference => reference.Attribute("PrivateAssets") is null)
            .Where(reference => reference.Attribute("Condition") is null && reference.Parent!.Attribute("Condition") is null)
            .Select(reference => reference.Attribute("Include")!.Value)
            .Distinct()
            .Where(package => !notices.Contains($"| {package} |", StringComparison.OrdinalIgnoreCase))
            .ToList();

        Assert.Empty(unnamed);
    }

    private static IEnumerable<string> Files(string pattern) =>
        Directory.EnumerateDirectories(Checkout.Root)
            .Where(folder => !NotOurs.Contains(Path.GetFileName(folder)))
            .SelectMany(folder => Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Checkout.Root, pattern))
            .Select(file => Path.GetRelativePath(Checkout.Root, file))
            .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\]\((?!\w+:)(?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex RelativeLink();

    [GeneratedRegex(@"`(?:[\w./-]*/)?(?<name>\w[\w.]*\.cs)`")]
    private static partial Regex SourceName();
}
