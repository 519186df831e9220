using System.Diagnostics.CodeAnalysis;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace FerActors.Deployment.Tests.Manifests;

/// <summary>A kustomization.yaml; a field that is not here is refused.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "The YAML reader makes them.")]
internal sealed class KustomizationFile
{
    private static readonly IDeserializer Reader =
        new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).WithDuplicateKeyChecking().Build();

    public required string ApiVersion { get; init; }

    public required string Kind { get; init; }

    public string? Namespace { get; init; }

    public List<LabelSet> Labels { get; init; } = [];

    public List<string> Resources { get; init; } = [];

    public List<string> Components { get; init; } = [];

    public List<ConfigMapSource> ConfigMapGenerator { get; init; } = [];

    public List<Patch> Patches { get; init; } = [];

    /// <summary>All of the checkout, by their folders.</summary>
    public static IReadOnlyDictionary<string, KustomizationFile> All { get; } = new[] { "k8s", "deploy" }
        .SelectMany(folder => Directory.EnumerateFiles(Checkout.At(folder), "kustomization.yaml", SearchOption.AllDirectories))
        .ToDictionary(file => Path.GetDirectoryName(file)!, file => Reader.Deserialize<KustomizationFile>(File.ReadAllText(file)));

    /// <summary>What it names of its folder's surroundings.</summary>
    public IEnumerable<string> References =>
        Resources.Concat(Components).Concat(ConfigMapGenerator.SelectMany(source => source.Envs.Concat(source.Files))).Concat(Patches.Select(p => p.Path).OfType<string>());

    internal sealed class LabelSet
    {
        public required Dictionary<string, string> Pairs { get; init; }

        public bool IncludeSelectors { get; init; }
    }

    internal sealed class ConfigMapSource
    {
        public required string Name { get; init; }

        public List<string> Envs { get; init; } = [];

        public List<string> Files { get; init; } = [];

        public GeneratorOptions? Options { get; init; }
    }

    internal sealed class GeneratorOptions
    {
        public bool DisableNameSuffixHash { get; init; }

        public Dictionary<string, string> Labels { get; init; } = [];
    }

    internal sealed class Patch
    {
        public string? Path { get; init; }

        [YamlMember(Alias = "patch")]
        public string? Inline { get; init; }

        public PatchTarget? Target { get; init; }
    }

    internal sealed class PatchTarget
    {
        public required string Kind { get; init; }

        public required string Name { get; init; }
    }
}
