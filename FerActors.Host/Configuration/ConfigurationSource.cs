using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Memory;

namespace FerActors.Host.Configuration;

/// <summary>Where a name of the configuration was written, and how.</summary>
/// <param name="Written">The name as it stands there: <c>RabbitMq:Uri</c>, or the variable's name.</param>
/// <param name="Place">For people: <c>--set</c>, <c>environment</c> or the file's path; <see langword="null"/> where it is unknown.</param>
/// <param name="IsVariable">It is a variable of the environment.</param>
internal sealed record ConfigurationSource(string Written, string? Place, bool IsVariable)
{
    /// <summary>The place that wins for a path.</summary>
    public static ConfigurationSource Of(IConfiguration configuration, string path) =>
        (configuration as IConfigurationRoot)?.Providers.LastOrDefault(p => p.TryGet(path, out _)) switch
        {
            EnvironmentVariablesConfigurationProvider => new ConfigurationSource(Variable(path), "environment", IsVariable: true),
            MemoryConfigurationProvider => new ConfigurationSource(path, "--set", IsVariable: false),
            FileConfigurationProvider { Source: var source } => new ConfigurationSource(
                path, source.FileProvider?.GetFileInfo(source.Path ?? "").PhysicalPath ?? source.Path, IsVariable: false),
            _ => new ConfigurationSource(path, null, IsVariable: false),
        };

    /// <summary>The name of the variable that sets an option.</summary>
    public static string Variable(string path) =>
        FerConfiguration.EnvironmentPrefix + path.Replace(ConfigurationPath.KeyDelimiter, "__", StringComparison.Ordinal);
}
