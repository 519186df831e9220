using System.Text.RegularExpressions;
using FerActors.Deployment.Tests.Manifests;
using k8s;
using k8s.Models;

namespace FerActors.Deployment.Tests.Kubernetes;

/// <summary>The files under k8s/, each by itself.</summary>
public sealed partial class ManifestFileSpecs
{
    public static TheoryData<string> Files => [.. ManifestFile.All.Select(file => Path.GetRelativePath(Checkout.Root, file))];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_manifest_has_only_fields_of_its_kind(string file)
    {
        var objects = ManifestFile.Read(File.ReadAllText(Checkout.At(file)));

        Assert.NotEmpty(objects);
        Assert.All(objects, item => Assert.False(string.IsNullOrEmpty((item as IKubernetesObject<V1ObjectMeta>)?.Metadata?.Name
            ?? (item as CustomResources.Resource)?.Metadata.Name)));
    }

    [Fact]
    public void A_misspelt_field_would_be_refused()
    {
        var text = File.ReadAllText(Checkout.At("k8s", "base", "inference.yaml"));

        Assert.ThrowsAny<Exception>(() => ManifestFile.Read(text.Replace("readOnlyRootFilesystem", "readOnlyRootFileSystem", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_file_is_part_of_a_kustomization_or_an_example_and_every_reference_is_there()
    {
        var referenced = new HashSet<string>();
        foreach (var (folder, kustomization) in KustomizationFile.All)
        {
            foreach (var reference in kustomization.References)
            {
                var target = Path.GetFullPath(Path.Combine(folder, reference));
                Assert.True(
                    File.Exists(target) || KustomizationFile.All.ContainsKey(target),
                    $"{folder} names {reference}, which is neither a file nor a folder with a kustomization");
                referenced.Add(target);
            }
        }

        var examples = Checkout.At("k8s", "examples");
        var forgotten = Directory.EnumerateFiles(Checkout.At("k8s"), "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != "kustomization.yaml" && Path.GetDirectoryName(file) != examples && !referenced.Contains(file));
        Assert.Empty(forgotten);
    }

    [Fact]
    public void A_patch_names_a_workload_and_a_container_of_the_base()
    {
        var rendering = Rendering.Of("base")!;
        foreach (var (folder, kustomization) in KustomizationFile.All)
        {
            foreach (var patch in kustomization.Patches)
            {
                if (patch.Target is { } target)
                {
                    Assert.Contains(rendering.Workloads, w => Regex.IsMatch(w.Name, $"^{target.Name}$") && Regex.IsMatch(w.Set is null ? "Deployment" : "StatefulSet", $"^({target.Kind})$"));
                    continue;
                }

                var change = Assert.IsType<V1Deployment>(Assert.Single(ManifestFile.Read(File.ReadAllText(Path.Combine(folder, patch.Path!)))));
                var workload = rendering.Workload(change.Metadata.Name);
                Assert.All(change.Spec.Template.Spec.Containers, container => Assert.Equal(workload.Node.Name, container.Name));
            }
        }
    }

    [Fact]
    public void No_secret_stands_in_a_file()
    {
        foreach (var file in Directory.EnumerateFiles(Checkout.At("k8s"), "*", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Checkout.At("compose"), "*", SearchOption.AllDirectories).Where(f => !f.StartsWith(Checkout.At("compose", "secrets"), StringComparison.Ordinal))))
        {
            var text = File.ReadAllText(file);
            Assert.False(AddressWithPassword().IsMatch(text), $"{file} holds an address with a password");
            Assert.False(AssignedSecret().IsMatch(text), $"{file} gives a secret its value");
        }

        Assert.DoesNotContain(ManifestFile.All.SelectMany(file => ManifestFile.Read(File.ReadAllText(file))), item => item is V1Secret);
    }

    [GeneratedRegex(@"://[^/\s:@]+:[^/\s@]+@")]
    private static partial Regex AddressWithPassword();

    // A variable or a part of a connection string; names of files and keys are no secrets.
    [GeneratedRegex(@"(?im)^[^#\n]*(password|token|api_?key)[ \t]*[=:][ \t]*(?!true|false)[^\s{$/]")]
    private static partial Regex AssignedSecret();
}
