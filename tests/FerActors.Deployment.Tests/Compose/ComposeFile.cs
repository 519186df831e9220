using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace FerActors.Deployment.Tests.Compose;

/// <summary>compose/compose.yaml, with the fields of the Compose specification that it uses; any other field is refused.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "The YAML reader makes them.")]
internal sealed partial class ComposeFile
{
    public required string Name { get; init; }

    [YamlMember(Alias = "x-node", ApplyNamingConventions = false)]
    public Service? NodeTemplate { get; init; }

    [YamlMember(Alias = "x-environment", ApplyNamingConventions = false)]
    public Dictionary<string, string>? EnvironmentTemplate { get; init; }

    public required Dictionary<string, Service> Services { get; init; }

    public required Dictionary<string, SecretFile> Secrets { get; init; }

    public required Dictionary<string, object> Volumes { get; init; }

    public static string Folder => Checkout.At("compose");

    /// <summary>The services that are nodes.</summary>
    public IEnumerable<KeyValuePair<string, Service>> Nodes => Services.Where(s => s.Value.Image.StartsWith("feractors:", StringComparison.Ordinal));

    public static ComposeFile Read(string text)
    {
        var parser = new MergingParser(new Parser(new StringReader(text)));
        return new DeserializerBuilder()
            .WithNamingConvention(YamlDotNet.Serialization.NamingConventions.UnderscoredNamingConvention.Instance)
            .Build()
            .Deserialize<ComposeFile>(parser);
    }

    internal sealed class Service
    {
        public string Image { get; init; } = "";

        public BuildSource? Build { get; init; }

        public string? Hostname { get; init; }

        public List<string> Entrypoint { get; init; } = [];

        public string? User { get; init; }

        public bool ReadOnly { get; init; }

        public List<string> CapDrop { get; init; } = [];

        public List<string> SecurityOpt { get; init; } = [];

        public string? Restart { get; init; }

        public string? StopGracePeriod { get; init; }

        public Dictionary<string, string> Environment { get; init; } = [];

        /// <summary>Names, or maps with a source and a target.</summary>
        public List<object> Secrets { get; init; } = [];

        public List<string> Ports { get; init; } = [];

        public List<string> Volumes { get; init; } = [];

        public List<string> Tmpfs { get; init; } = [];

        public HealthTest? Healthcheck { get; init; }

        public Dictionary<string, Condition> DependsOn { get; init; } = [];

        /// <summary>The secrets' names and where they are in the container.</summary>
        public IEnumerable<(string Name, string Path)> SecretPaths => Secrets.Select(secret => secret is Dictionary<object, object> map
            ? ((string)map["source"], (string)map["target"])
            : ((string)secret, "/run/secrets/" + secret));

        /// <summary>Options that the command line sets, with what the shell puts in.</summary>
        public IEnumerable<(string Name, string Value)> Settings => SetArgument().Matches(string.Join(' ', Entrypoint))
            .Select(match => (match.Groups[1].Value, match.Groups[2].Value.Replace("$$(hostname)", "a1b2c3", StringComparison.Ordinal)));
    }

    internal sealed class BuildSource
    {
        public required string Context { get; init; }

        public required string Target { get; init; }
    }

    internal sealed class HealthTest
    {
        public required List<string> Test { get; init; }

        public string? Interval { get; init; }

        public string? Timeout { get; init; }

        public int Retries { get; init; }

        public string? StartPeriod { get; init; }
    }

    internal sealed class Condition
    {
        [YamlMember(Alias = "condition")]
        public required string Wish { get; init; }
    }

    internal sealed class SecretFile
    {
        public required string File { get; init; }
    }

    [GeneratedRegex(@"--set (\S+?)=(\S+)")]
    private static partial Regex SetArgument();
}
