using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Composition;

/// <summary>Where options come from, the later one winning: appsettings.json, a file named on the command line, the environment, <c>--set</c>.</summary>
public static class FerConfiguration
{
    /// <summary>Starts the names of environment variables: <c>FER_RabbitMq__Uri</c>.</summary>
    public const string EnvironmentPrefix = "FER_";

    /// <summary>Builds the configuration.</summary>
    /// <param name="file">A JSON file of the user's, or <see langword="null"/>.</param>
    /// <param name="settings">Lines of the form <c>Section:Name=value</c>; of two for one name the later wins.</param>
    /// <exception cref="FormatException">A setting has no equals sign.</exception>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    public static IConfigurationRoot Build(string? file, IReadOnlyList<string> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var builder = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true);
        if (file is not null)
        {
            builder.AddJsonFile(Path.GetFullPath(file), optional: false);
        }

        return builder
            .AddEnvironmentVariables(EnvironmentPrefix)
            .AddInMemoryCollection(settings.Select(Parse).GroupBy(s => s.Key, StringComparer.OrdinalIgnoreCase).Select(same => same.Last()))
            .Build();
    }

    /// <summary>Binds and checks all sections.</summary>
    /// <exception cref="ConfigurationException">A name is unknown or a value is wrong; the message lists all mistakes.</exception>
    public static FerOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = new FerOptions();
        var errors = new List<string>();
        foreach (var property in typeof(FerOptions).GetProperties())
        {
            var section = configuration.GetSection(property.Name);

            // An unknown name is most often a misspelt one, whose default would then be used in silence.
            if (!TryBind(property.Name, section, property.GetValue(options), refuseUnknown: true, errors))
            {
                // It hides the other mistakes of its section.
                TryBind(property.Name, section, property.GetValue(options), refuseUnknown: false, errors);
            }
        }

        errors.AddRange(options.Validate());
        return errors.Count == 0 ? options : throw new ConfigurationException(errors);
    }

    private static bool TryBind(string name, IConfigurationSection section, object? target, bool refuseUnknown, List<string> errors)
    {
        try
        {
            section.Bind(target, o => o.ErrorOnUnknownConfiguration = refuseUnknown);
            return true;
        }
        catch (InvalidOperationException e)
        {
            var error = $"{name}: {e.InnerException?.Message ?? e.Message}";
            if (!errors.Contains(error))
            {
                errors.Add(error);
            }

            return false;
        }
    }

    private static KeyValuePair<string, string?> Parse(string setting)
    {
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? new(setting[..equals].Trim(), setting[(equals + 1)..])
            : throw new FormatException($"The setting '{setting}' is not of the form Section:Name=value.");
    }
}

/// <summary>The configuration has mistakes.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> errors)
    : Exception("The configuration has mistakes:" + string.Concat(errors.Select(e => Environment.NewLine + "  - " + e)))
{
    public IReadOnlyList<string> Errors => errors;
}
