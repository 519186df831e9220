using System.CommandLine;
using FerActors.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Commands.Line;

/// <summary>The two options by which every command takes its configuration.</summary>
internal sealed class ConfigurationArguments
{
    private readonly Option<string?> _file = new("--config") { Description = "JSON file with options, read after appsettings.json." };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "One option, as Section:Name=value; may be given several times and wins over files and environment.",
        DefaultValueFactory = _ => [],
    };

    public ConfigurationArguments(Command command)
    {
        command.Options.Add(_file);
        command.Options.Add(_set);
    }

    /// <summary>The same arguments for another command.</summary>
    public IReadOnlyList<string> Arguments(ParseResult parsed) =>
    [
        .. parsed.GetValue(_file) is { } file ? new[] { _file.Name, file } : [],
        .. (parsed.GetValue(_set) ?? []).SelectMany(setting => new[] { _set.Name, setting }),
    ];

    public IConfigurationRoot Build(ParseResult parsed) => FerConfiguration.Build(parsed.GetValue(_file), parsed.GetValue(_set) ?? []);
}
