using System.Text.Json.Nodes;
using FerActors.Training.Augmentation;
using FerActors.Training.Configuration;
using FerActors.Training.Engine;

namespace FerActors.Training.Sweeps;

/// <summary>Which way the trials of a sweep are chosen.</summary>
public enum SweepMethod
{
    /// <summary>Every combination, the last option varying fastest.</summary>
    Grid,

    /// <summary>Independent draws.</summary>
    Random,
}

/// <summary>What a sweep compares its trials by: a figure of the validation images after an epoch.</summary>
public enum SweepMetric
{
    Accuracy,
    MacroF1,

    /// <summary>Smaller is better.</summary>
    ValidationLoss,
}

/// <summary>A declared search over training options.</summary>
public sealed record SweepSpace
{
    /// <summary>Most trials of one sweep.</summary>
    public const int MaxTrials = 10_000;

    private static readonly string[] Names = ["method", "trials", "seed", "metric", "early_stopping", "base", "parameters"];

    public required SweepMethod Method { get; init; }

    /// <summary>Draws of a random search; of a grid, how many combinations are taken at most.</summary>
    public required int Trials { get; init; }

    /// <summary>Of the draws. Each trial's training has the options' own seed.</summary>
    public required int Seed { get; init; }

    public required SweepMetric Metric { get; init; }

    /// <summary><see langword="null"/> runs every trial to its end.</summary>
    public required MedianStoppingRule? EarlyStopping { get; init; }

    /// <summary>The options that all trials share.</summary>
    public required TrainingOptions Base { get; init; }

    /// <summary>The options that vary, by their JSON names (nested ones with dots), in the file's order.</summary>
    public required IReadOnlyList<KeyValuePair<string, SweepDistribution>> Parameters { get; init; }

    /// <summary>The file as JSON, by which a resumed sweep knows that it is the same.</summary>
    public required string Source { get; init; }

    /// <summary>Reads a file: JSON where its name ends in .json, else YAML.</summary>
    /// <exception cref="TrainingConfigurationException">All mistakes at once, each with its name.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SweepSpace Load(string path) => Read(ConfigurationText.ReadFile(path));

    /// <summary>Reads the text of a space.</summary>
    /// <inheritdoc cref="Load"/>
    public static SweepSpace Parse(string yaml) => Read(ConfigurationText.ParseYaml(yaml, "the sweep"));

    /// <summary>The values of every trial, in their order. A function of the space alone.</summary>
    public IReadOnlyList<JsonObject> Plan()
    {
        if (Method == SweepMethod.Random)
        {
            return [.. Enumerable.Range(0, Trials).Select(Draw)];
        }

        IEnumerable<JsonObject> trials = [new JsonObject()];
        foreach (var (name, distribution) in Parameters)
        {
            var values = distribution.Grid(MaxTrials)!;
            trials = trials.SelectMany(trial => values.Select(value => new JsonObject(trial.Select(Copy)) { [name] = value?.DeepClone() }));
        }

        return [.. trials.Take(Trials)];
    }

    private JsonObject Draw(int trial)
    {
        // A trial's values depend on its number only: more trials of the same space begin with the same ones.
        var random = new SeededRandom((ulong)Seed, 0x5357_4545_50UL, (ulong)trial);
        var values = new JsonObject();
        foreach (var (name, distribution) in Parameters)
        {
            values[name] = distribution.Draw(ref random);
        }

        return values;
    }

    private static KeyValuePair<string, JsonNode?> Copy(KeyValuePair<string, JsonNode?> pair) => new(pair.Key, pair.Value?.DeepClone());

    private static SweepSpace Read(JsonNode? root)
    {
        if (root is not JsonObject file)
        {
            throw new TrainingConfigurationException(["The sweep is no list of names with values."]);
        }

        var fields = new SweepFields(file, "", []);
        fields.Allow(Names);
        var method = fields.Word("method", SweepMethod.Random);
        var trials = fields.Whole("trials", method == SweepMethod.Random ? 20 : MaxTrials, 1, MaxTrials);
        var metric = fields.Word("metric", SweepMetric.Accuracy);
        var seed = fields.Whole("seed", 1, int.MinValue, int.MaxValue);
        MedianStoppingRule? rule = null;
        if (fields.Section("early_stopping") is { } stopping)
        {
            stopping.Allow("min_epochs", "min_trials");
            rule = new MedianStoppingRule(stopping.Whole("min_epochs", 1, 1, 10_000), stopping.Whole("min_trials", 3, 1, MaxTrials));
        }

        var shared = new TrainingOptions();
        if (fields.Section("base") is { } given)
        {
            shared = SweepOptions.Merge(shared, given.Object, fields.Errors) ?? shared;
        }

        var parameters = new List<KeyValuePair<string, SweepDistribution>>();
        foreach (var (name, parameter) in fields.Section("parameters")?.Sections() ?? [])
        {
            if (parameter.Distribution() is { } distribution)
            {
                parameters.Add(new(name, distribution));
                SweepOptions.RequireKnown(shared, name, fields.Errors);
                if (method == SweepMethod.Grid && distribution.Grid(MaxTrials) is null)
                {
                    fields.Errors.Add($"parameters.{name} has no countable values; a grid needs 'values', whole numbers or a 'step'.");
                }
            }
        }

        if (parameters.Count == 0 && fields.Errors.Count == 0)
        {
            fields.Errors.Add("parameters is empty; a sweep has to vary something.");
        }

        return fields.Errors.Count == 0
            ? new SweepSpace
            {
                Method = method,
                Trials = trials,
                Seed = seed,
                Metric = metric,
                EarlyStopping = rule,
                Base = shared,
                Parameters = parameters,
                Source = file.ToJsonString(),
            }
            : throw new TrainingConfigurationException(fields.Errors);
    }
}
