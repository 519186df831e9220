using System.Text.Json;
using System.Text.Json.Nodes;
using FerActors.Training.Engine;

namespace FerActors.Training.Configuration;

/// <summary>A run's whole configuration: one YAML or JSON file, in which settings and options stand side by side, and overrides.</summary>
/// <param name="Settings">Data, places and names.</param>
/// <param name="Options">What decides the weights.</param>
public sealed record RunConfiguration(RunSettings Settings, TrainingOptions Options)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Reads a configuration.</summary>
    /// <param name="path">A file, JSON where its name ends in .json, else YAML; <see langword="null"/> for the defaults.</param>
    /// <param name="overrides"><c>name=value</c> or <c>section.name=value</c>, the later winning; values as in YAML.</param>
    /// <exception cref="TrainingConfigurationException">All mistakes at once, each with the option's name.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static RunConfiguration Load(string? path, IEnumerable<string> overrides)
    {
        ArgumentNullException.ThrowIfNull(overrides);
        var (configuration, errors) = Read(path is null ? null : ConfigurationText.ReadFile(path), path ?? "", overrides);
        errors = [.. errors, .. configuration.Settings.Validate(), .. configuration.Options.Validate()];
        if (LabelSource.NeedsVotes(configuration.Options.Labels) && configuration.Settings.Votes is null)
        {
            errors = [.. errors, $"labels is '{configuration.Options.Labels}', but votes is missing; name fer2013new.csv."];
        }

        if (configuration.Options.EarlyStopping.Metric == EarlyStoppingOptions.Agreement && configuration.Settings.Votes is null)
        {
            errors = [.. errors, "early_stopping.metric is 'agreement', but votes is missing; name fer2013new.csv."];
        }

        return errors.Count == 0 ? configuration : throw new TrainingConfigurationException(errors);
    }

    /// <summary>Reads the text of a configuration; it need not name data and model, which a service knows itself.</summary>
    /// <param name="yaml">YAML, of which JSON is a part.</param>
    /// <param name="overrides">As for <see cref="Load"/>.</param>
    /// <exception cref="TrainingConfigurationException">All mistakes at once, each with the option's name.</exception>
    public static RunConfiguration Parse(string yaml, params IEnumerable<string> overrides)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        ArgumentNullException.ThrowIfNull(overrides);
        var (configuration, errors) = Read(ConfigurationText.ParseYaml(yaml, "text"), "text", overrides);
        errors = [.. errors, .. configuration.Options.Validate()];
        return errors.Count == 0 ? configuration : throw new TrainingConfigurationException(errors);
    }

    /// <summary>Every setting and option with its value; reading it back gives the same configuration.</summary>
    public string ToJson()
    {
        var tree = Tree(Settings);
        foreach (var (name, value) in Tree(Options))
        {
            tree[name] = value?.DeepClone();
        }

        return tree.ToJsonString(Indented);
    }

    private static (RunConfiguration Configuration, IReadOnlyList<string> Errors) Read(
        JsonNode? file, string source, IEnumerable<string> overrides)
    {
        var errors = new List<string>();
        var settings = Tree(new RunSettings());
        var options = Tree(new TrainingOptions());
        if (file is JsonObject given)
        {
            Apply(given);
        }
        else if (file is not null)
        {
            errors.Add($"'{source}' is no list of names with values.");
        }

        foreach (var text in overrides)
        {
            if (Override(text) is { } one)
            {
                Apply(one);
            }
            else
            {
                errors.Add($"'{text}' is no override; write name=value or section.name=value.");
            }
        }

        return (
            new RunConfiguration(
                settings.Deserialize(TrainingJsonContext.Default.RunSettings)!, options.Deserialize(TrainingJsonContext.Default.TrainingOptions)!),
            errors);

        void Apply(JsonObject some)
        {
            // What is no setting is meant as an option.
            var forSettings = new JsonObject(some.Where(p => settings.ContainsKey(p.Key)).Select(Copy));
            var forOptions = new JsonObject(some.Where(p => !settings.ContainsKey(p.Key)).Select(Copy));
            OptionOverlay.Apply(settings, forSettings, TrainingJsonContext.Default.RunSettings, "", errors);
            OptionOverlay.Apply(options, forOptions, TrainingJsonContext.Default.TrainingOptions, "", errors);
        }
    }

    private static JsonObject? Override(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var names = equals < 1 ? [] : text[..equals].Trim().Split('.');
        if (names.Length is < 1 or > 8 || names.Any(string.IsNullOrWhiteSpace))
        {
            return null;
        }

        JsonNode? node = ConfigurationText.ParseYaml(text[(equals + 1)..], text);
        foreach (var name in names.Reverse())
        {
            node = new JsonObject { [name] = node };
        }

        return (JsonObject)node!;
    }

    private static KeyValuePair<string, JsonNode?> Copy(KeyValuePair<string, JsonNode?> pair) => new(pair.Key, pair.Value?.DeepClone());

    private static JsonObject Tree(RunSettings settings) =>
        (JsonObject)JsonSerializer.SerializeToNode(settings, TrainingJsonContext.Default.RunSettings)!;

    private static JsonObject Tree(TrainingOptions options) =>
        (JsonObject)JsonSerializer.SerializeToNode(options, TrainingJsonContext.Default.TrainingOptions)!;
}
