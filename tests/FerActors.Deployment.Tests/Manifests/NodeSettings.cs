using System.Text.RegularExpressions;
using FerActors.Host.Configuration;
using FerActors.Shared.Options;

namespace FerActors.Deployment.Tests.Manifests;

/// <summary>A node's options as they follow from the environment of a container, through the product's own reader.</summary>
internal static partial class NodeSettings
{
    // Sections that are read where logging is set up, before there are options.
    private static readonly HashSet<string> LoggingNames =
        ["Logging__Level", "Seq__ServerUrl", "Seq__ApiKey", "Seq__ApiKeyFile", "Seq__BufferPath"];

    private const string Prefix = FerConfiguration.EnvironmentPrefix;

    /// <summary>Variables that a container gets: those of its maps, then its own.</summary>
    /// <param name="rendering">Where the maps are.</param>
    /// <param name="workload">Whose container.</param>
    /// <param name="pod">The pod's number.</param>
    public static Dictionary<string, string> Variables(Rendering rendering, Workload workload, int pod = 0)
    {
        var variables = new Dictionary<string, string>();
        foreach (var source in workload.Node.EnvFrom ?? [])
        {
            var map = rendering.All<k8s.Models.V1ConfigMap>().Single(m => m.Metadata.Name == source.ConfigMapRef.Name);
            foreach (var (name, value) in map.Data)
            {
                variables[name] = value;
            }
        }

        foreach (var entry in workload.Node.Env ?? [])
        {
            variables[entry.Name] = entry.ValueFrom switch
            {
                null => Expand(entry.Value ?? "", variables),
                { FieldRef.FieldPath: "metadata.name" } => $"{workload.Name}-{pod}",
                { FieldRef.FieldPath: "status.podIP" } => $"10.0.0.{pod + 1}",
                { SecretKeyRef: { } secret } => $"{secret.Key}-of-{secret.Name}",
                { ResourceFieldRef: { Resource: "limits.cpu" } } => workload.Node.Resources.Limits["cpu"].ToString(),
                _ => throw new NotSupportedException($"{workload.Name} takes {entry.Name} from a place that these tests do not know."),
            };
        }

        return variables;
    }

    /// <summary>Reads the options; files of mounted secrets count as there if <paramref name="mounted"/> says so.</summary>
    /// <exception cref="ConfigurationException">A name binds to no option, or a value is wrong.</exception>
    public static FerOptions Read(IReadOnlyDictionary<string, string> variables, Func<string, bool> mounted)
    {
        var placeholder = Path.GetTempFileName();
        try
        {
            var settings = new List<string>();
            foreach (var (name, value) in variables.Where(v => v.Key.StartsWith(Prefix, StringComparison.Ordinal)))
            {
                var path = name[Prefix.Length..];
                Assert.True(IsKnown(path), $"{name} is an option of no section");
                var isFile = path.EndsWith("File", StringComparison.Ordinal);
                Assert.True(!isFile || mounted(value), $"{name} names {value}, which nothing mounts");
                settings.Add($"{path.Replace("__", ":", StringComparison.Ordinal)}={(isFile ? placeholder : value)}");
            }

            return FerConfiguration.Read(FerConfiguration.Build(null, settings));
        }
        finally
        {
            File.Delete(placeholder);
        }
    }

    public static FerOptions Read(Rendering rendering, Workload workload, int pod = 0) =>
        Read(Variables(rendering, workload, pod), path => IsMounted(workload, path));

    /// <summary>A file of a secret that the container mounts.</summary>
    public static bool IsMounted(Workload workload, string path) =>
        workload.Node.VolumeMounts.Any(mount =>
            mount.MountPath == Path.GetDirectoryName(path)
            && workload.Pod.Volumes.Single(volume => volume.Name == mount.Name).Secret is { } secret
            && secret.Items.Any(item => item.Path == Path.GetFileName(path)));

    private static bool IsKnown(string path) =>
        LoggingNames.Contains(path) || typeof(FerOptions).GetProperty(path.Split("__")[0]) is { CanWrite: true };

    private static string Expand(string value, Dictionary<string, string> variables) =>
        Reference().Replace(value, match => variables[match.Groups[1].Value]);

    [GeneratedRegex(@"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")]
    private static partial Regex Reference();
}
