using System.ComponentModel;
using FerActors.Shared.Options;
using Microsoft.Extensions.Configuration;

namespace FerActors.Host.Configuration;

/// <summary>Finds what stands in a configuration and would be passed over, or cannot be read, by the binding of options.</summary>
internal static class ConfigurationCheck
{
    private const int MaxValue = 60;
    private const int MaxGuesses = 3;

    // Of .NET's own hosts, whose files people share among programs. Nothing here reads them.
    private static readonly HashSet<string> ForeignSections =
        new(StringComparer.OrdinalIgnoreCase) { "AllowedHosts", "ConnectionStrings", "Kestrel", "Serilog" };

    private static readonly Dictionary<string, OptionEntry> Options =
        OptionCatalog.All.ToDictionary(o => o.Path, StringComparer.OrdinalIgnoreCase);

    private static readonly HashSet<string> Sections = new(
        OptionCatalog.All.SelectMany(o => Parents(o.Path)), StringComparer.OrdinalIgnoreCase);

    /// <summary>A sentence for each name that is no option's, with the nearest one.</summary>
    public static IEnumerable<string> UnknownNames(IConfiguration configuration)
    {
        foreach (var (path, value) in Leaves(configuration))
        {
            if (IsKnown(path) || IsForeign(path))
            {
                continue;
            }

            var source = ConfigurationSource.Of(configuration, path);
            if (source.IsVariable && FerVariables.IsForeign(source.Written, value))
            {
                continue;
            }

            var place = source.Place is null ? "" : $" ({source.Place})";
            if (!Sections.Contains(path))
            {
                yield return $"{source.Written}{place} is no option.{Suggestion(path, source)}";
            }
            else if (!string.IsNullOrEmpty(value))
            {
                yield return $"{source.Written}{place} is a section and has no value of its own; name one of its options, such as {First(path, source)}.";
            }
        }
    }

    /// <summary>The values that cannot be read as what their option is, each with a sentence.</summary>
    public static IEnumerable<(string Path, string Sentence)> UnreadableValues(IConfiguration configuration)
    {
        foreach (var (path, value) in Leaves(configuration))
        {
            var option = Options.GetValueOrDefault(path) ?? ListOf(path);
            if (option is null || value is null || (option.IsList && option.Path.Length == path.Length) || IsReadable(option, value))
            {
                continue;
            }

            var shown = option.Shown(value);
            yield return (path, $"{path} is '{(shown.Length <= MaxValue ? shown : shown[..MaxValue] + "...")}'; it must be {option.Wanted}.");
        }
    }

    // An empty section of a file is a leaf too.
    private static IEnumerable<KeyValuePair<string, string?>> Leaves(IConfiguration configuration) => configuration.AsEnumerable()
        .Where(pair => pair.Value is not null || !configuration.GetSection(pair.Key).GetChildren().Any())
        .OrderBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase);

    private static bool IsKnown(string path) => Options.ContainsKey(path) || ListOf(path) is not null;

    // Cluster:Roles:0
    private static OptionEntry? ListOf(string path)
    {
        var end = path.LastIndexOf(OptionCatalog.Separator);
        return end > 0
            && int.TryParse(path.AsSpan(end + 1), System.Globalization.NumberStyles.None, null, out _)
            && Options.GetValueOrDefault(path[..end]) is { IsList: true } list
            ? list
            : null;
    }

    // Under Logging .NET has sections of its own, such as LogLevel and Console; a single value there is meant for us.
    private static bool IsForeign(string path)
    {
        var names = path.Split(OptionCatalog.Separator);
        return ForeignSections.Contains(names[0])
            || (names.Length > 2 && names[0].Equals(LoggingOptions.Section, StringComparison.OrdinalIgnoreCase)
                && !names[1].Equals(nameof(LoggingOptions.Level), StringComparison.OrdinalIgnoreCase));
    }

    private static bool IsReadable(OptionEntry option, string value)
    {
        if (value.Length == 0 && option.IsOptional)
        {
            return true;
        }

        try
        {
            var read = TypeDescriptor.GetConverter(option.Type).ConvertFromInvariantString(value);
            return read is not null && (!option.Type.IsEnum || Enum.IsDefined(option.Type, read));
        }
        catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            return false;
        }
    }

    private static string Suggestion(string path, ConfigurationSource source)
    {
        // A list's number is no part of its name.
        var names = path.Split(OptionCatalog.Separator);
        var name = names.Length > 1 && int.TryParse(names[^1], out _) ? string.Join(OptionCatalog.Separator, names[..^1]) : path;
        if (names.Length > 1 && Options.GetValueOrDefault(path[..^(names[^1].Length + 1)]) is { IsList: true } list)
        {
            return $" Items of a list have numbers from 0: {Written($"{list.Path}{OptionCatalog.Separator}0", source)}.";
        }

        var options = OptionCatalog.All.Select(o => o.Path);
        var known = options.Concat(Sections).Select(o => Written(o, source)).Concat(source.IsVariable ? FerVariables.Known : []);
        if (Spelling.Nearest(Written(name, source), known) is { } near)
        {
            return $" Is {near} meant?";
        }

        // The right name in a wrong section, or in none.
        var same = options
            .Where(o => Last(o).Equals(Last(name), StringComparison.OrdinalIgnoreCase))
            .Take(MaxGuesses)
            .Select(o => Written(o, source))
            .ToList();
        return same.Count == 0 ? " 'fer config' lists all options." : $" Is {string.Join(" or ", same)} meant?";
    }

    private static string First(string section, ConfigurationSource source) => Written(
        OptionCatalog.All.First(o => o.Path.StartsWith(section + OptionCatalog.Separator, StringComparison.OrdinalIgnoreCase)).Path, source);

    private static string Written(string path, ConfigurationSource source) => source.IsVariable ? ConfigurationSource.Variable(path) : path;

    private static string Last(string path) => path[(path.LastIndexOf(OptionCatalog.Separator) + 1)..];

    private static IEnumerable<string> Parents(string path)
    {
        for (var end = path.LastIndexOf(OptionCatalog.Separator); end > 0; end = path.LastIndexOf(OptionCatalog.Separator, end - 1))
        {
            yield return path[..end];
        }
    }
}
