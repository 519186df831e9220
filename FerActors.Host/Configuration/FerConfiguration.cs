using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Configuration;

/// <summary>Where options come from, the later one winning: appsettings.json, a file named on the command line, the environment, <c>--set</c>.</summary>
public static class FerConfiguration
{
    /// <summary>Starts the names of environment variables: <c>FER_RabbitMq__Uri</c>.</summary>
    public const string EnvironmentPrefix = "FER_";

    /// <summary>Builds the configuration.</summary>
    /// <param name="file">A JSON file of the user's, or <see langword="null"/>.</param>
    /// <param name="settings">Lines of the form <c>Section:Name=value</c>; of two for one name the later wins.</param>
    /// <exception cref="ConfigurationException">The file cannot be read, or a setting has no equals sign; the message lists all of these.</exception>
    public static IConfigurationRoot Build(string? file, IReadOnlyList<string> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var malformed = settings.Where(s => s.IndexOf('=', StringComparison.Ordinal) < 1).Select(Malformed).ToList();
        if (malformed.Count > 0)
        {
            throw new ConfigurationException(malformed);
        }

        var builder = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true);
        if (file is not null)
        {
            builder.AddJsonFile(Path.GetFullPath(file), optional: false);
        }

        builder
            .AddEnvironmentVariables(EnvironmentPrefix)
            .AddInMemoryCollection(settings.Select(Parse).GroupBy(s => s.Key, StringComparer.OrdinalIgnoreCase).Select(same => same.Last()));
        try
        {
            return builder.Build();
        }
        catch (FileNotFoundException)
        {
            throw new ConfigurationException([$"There is no file {Path.GetFullPath(file!)}."]);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{e.Message} {e.GetBaseException().Message}"]);
        }
    }

    /// <summary>Binds and checks all sections.</summary>
    /// <exception cref="ConfigurationException">A name is unknown or a value is wrong; the message lists all mistakes.</exception>
    public static FerOptions Read(IConfiguration configuration)
    {
        var (options, errors) = Check(configuration);
        return errors.Count == 0 ? options : throw new ConfigurationException(errors);
    }

    /// <summary>Binds and checks the section <c>Control</c> alone, for whoever talks to a node and is none. Names of other sections are checked too.</summary>
    /// <exception cref="ConfigurationException">A name is unknown or a value of the section is wrong; the message lists all mistakes.</exception>
    public static ControlOptions ReadControl(IConfiguration configuration)
    {
        var control = Check(configuration).Options.Control;
        List<string> errors =
        [
            .. ConfigurationCheck.UnknownNames(configuration),
            .. ConfigurationCheck.UnreadableValues(configuration)
                .Where(u => u.Path.StartsWith(ControlOptions.Section + OptionCatalog.Separator, StringComparison.OrdinalIgnoreCase))
                .Select(u => u.Sentence),
            .. control.Validate(),
        ];
        return errors.Count == 0 ? control : throw new ConfigurationException(errors);
    }

    /// <summary>Binds all sections as far as they can be read.</summary>
    /// <returns>The options, in which a value that cannot be read is the default, and all mistakes, each a sentence.</returns>
    internal static (FerOptions Options, IReadOnlyList<string> Errors) Check(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = new FerOptions();
        var errors = ConfigurationCheck.UnknownNames(configuration).ToList();
        configuration = OptionLists.Split(configuration);

        // The binder stops at the first value that it cannot read.
        var unreadable = ConfigurationCheck.UnreadableValues(configuration).ToDictionary(u => u.Path, u => u.Sentence, StringComparer.OrdinalIgnoreCase);
        errors.AddRange(unreadable.Values);
        var readable = unreadable.Count == 0
            ? configuration
            : new ConfigurationBuilder().AddInMemoryCollection(configuration.AsEnumerable().Where(pair => !unreadable.ContainsKey(pair.Key))).Build();
        foreach (var property in typeof(FerOptions).GetProperties())
        {
            try
            {
                readable.GetSection(property.Name).Bind(property.GetValue(options));
            }
            catch (InvalidOperationException e)
            {
                errors.Add($"{property.Name}: {Redaction.Of(e.InnerException?.Message ?? e.Message)}");
            }
        }

        errors.AddRange(options.Validate());
        return (options, errors);
    }

    private static KeyValuePair<string, string?> Parse(string setting)
    {
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        return new(setting[..equals].Trim(), setting[(equals + 1)..]);
    }

    // What has no equals sign may be an address with its password.
    private static string Malformed(string setting) =>
        $"The setting {(setting.Contains('@', StringComparison.Ordinal) ? "(not shown)" : $"'{setting}'")} is not of the form Section:Name=value.";
}

/// <summary>The configuration has mistakes.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> errors)
    : Exception("The configuration has mistakes:" + string.Concat(errors.Select(e => Environment.NewLine + "  - " + e)))
{
    public IReadOnlyList<string> Errors => errors;
}
