using k8s;

namespace FerActors.Deployment.Tests.Manifests;

/// <summary>Reads manifests as the types of their kinds; a field that the type lacks, a misspelt one say, is an error.</summary>
internal static class ManifestFile
{
    /// <summary>Files with whole manifests: neither kustomizations nor lists of JSON patches.</summary>
    public static IReadOnlyList<string> All { get; } = Directory
        .EnumerateFiles(Checkout.At("k8s"), "*.yaml", SearchOption.AllDirectories)
        .Where(file => Path.GetFileName(file) != "kustomization.yaml" && !File.ReadAllText(file).StartsWith("- op:", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .ToList();

    public static IReadOnlyList<object> Read(string yaml) => KubernetesYaml.LoadAllFromString(yaml, CustomResources.Types, strict: true);
}
