using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using k8s.Models;

namespace FerActors.Deployment.Tests.Manifests;

/// <summary>What a folder of k8s/ sends to a cluster.</summary>
internal sealed class Rendering
{
    private static readonly ConcurrentDictionary<string, Lazy<Rendering?>> Known = new();

    private Rendering(IReadOnlyList<object> objects)
    {
        Objects = objects;
        Workloads =
        [
            .. All<V1Deployment>().Select(d => new Workload(d.Metadata, d.Spec.Replicas, d.Spec.Selector, d.Spec.Template)),
            .. All<V1StatefulSet>().Select(s => new Workload(s.Metadata, s.Spec.Replicas, s.Spec.Selector, s.Spec.Template) { Set = s }),
        ];
    }

    public IReadOnlyList<object> Objects { get; }

    /// <summary>What runs for good: the nodes.</summary>
    public IReadOnlyList<Workload> Workloads { get; }

    /// <summary>What runs once.</summary>
    public IEnumerable<Workload> Jobs => All<V1Job>().Select(job => new Workload(job.Metadata, 1, job.Spec.Selector, job.Spec.Template));

    /// <summary>Renders with kustomize, which is part of kubectl and needs no cluster; without it the base can still be put together.</summary>
    /// <returns><see langword="null"/> where kustomize is needed and absent.</returns>
    public static Rendering? Of(string folder) => Known.GetOrAdd(folder, key => new Lazy<Rendering?>(() => Render(key))).Value;

    public IEnumerable<T> All<T>() => Objects.OfType<T>();

    public Workload Workload(string name) => Workloads.Single(w => w.Name == name);

    /// <summary>The workloads whose pods have all these labels.</summary>
    public IReadOnlyList<Workload> Selected(IDictionary<string, string> labels) =>
        [.. Workloads.Where(w => labels.All(label => w.Labels.TryGetValue(label.Key, out var value) && value == label.Value))];

    private static Rendering? Render(string folder)
    {
        var path = Checkout.At("k8s", folder);
        if (Kustomize(path) is { } yaml)
        {
            return new Rendering(ManifestFile.Read(yaml));
        }

        return folder == "base" ? new Rendering([.. Assemble(path)]) : null;
    }

    private static string? Kustomize(string path)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("kubectl", ["kustomize", path])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new InvalidOperationException($"kubectl kustomize {path} failed: {errors.GetAwaiter().GetResult()}");
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    // The base consists of whole manifests and of one map from a file; it has no patches.
    private static IEnumerable<object> Assemble(string path)
    {
        var kustomization = KustomizationFile.All[path];
        foreach (var item in kustomization.Resources.SelectMany(file => ManifestFile.Read(File.ReadAllText(Path.Combine(path, file)))))
        {
            yield return item;
        }

        foreach (var map in kustomization.ConfigMapGenerator)
        {
            yield return new V1ConfigMap
            {
                Metadata = new V1ObjectMeta { Name = map.Name },
                Data = map.Envs
                    .SelectMany(file => File.ReadLines(Path.Combine(path, file)))
                    .Where(line => line.Length > 0 && !line.StartsWith('#'))
                    .ToDictionary(line => line[..line.IndexOf('=', StringComparison.Ordinal)], line => line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]),
            };
        }
    }
}
