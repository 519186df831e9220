using System.Text.Json;
using System.Text.Json.Nodes;
using FerActors.Training.Engine;

namespace FerActors.Training.Sweeps;

/// <summary>
/// Puts a trial's values into the options that the trainer reads. The options' own JSON is changed and read back, so that a value
/// either arrives or is refused: there is no second place where it could get lost.
/// </summary>
public static class SweepOptions
{
    /// <summary>The options of a trial.</summary>
    /// <param name="shared">What all trials share.</param>
    /// <param name="values">By JSON names; nested ones with dots.</param>
    /// <exception cref="FormatException">A name is unknown, or a value does not fit; all mistakes at once.</exception>
    public static TrainingOptions Apply(TrainingOptions shared, JsonObject values)
    {
        ArgumentNullException.ThrowIfNull(shared);
        ArgumentNullException.ThrowIfNull(values);
        var errors = new List<string>();
        var options = Merge(shared, values, errors);
        errors.AddRange(options?.Validate() ?? []);
        return errors.Count == 0 ? options! : throw new FormatException(string.Join(" ", errors));
    }

    internal static TrainingOptions? Merge(TrainingOptions shared, JsonObject values, List<string> errors)
    {
        var tree = Tree(shared);
        var before = errors.Count;
        foreach (var (name, value) in Leaves(tree, "", values))
        {
            if (Find(tree, name) is var (owner, key))
            {
                owner[key] = value?.DeepClone();
            }
            else
            {
                errors.Add($"'{name}' is no training option.");
            }
        }

        if (errors.Count > before)
        {
            return null;
        }

        try
        {
            return TrainingOptions.FromJson(tree.ToJsonString());
        }
        catch (JsonException e)
        {
            errors.Add($"The options {values.ToJsonString()} do not fit: {e.Message}");
            return null;
        }
    }

    internal static void RequireKnown(TrainingOptions shared, string name, List<string> errors)
    {
        if (Find(Tree(shared), name) is null)
        {
            errors.Add($"parameters.{name} is no training option.");
        }
    }

    private static JsonObject Tree(TrainingOptions options) => JsonNode.Parse(options.ToJson())!.AsObject();

    // A nested object stands for its leaves, as long as the options have a section of that name.
    private static IEnumerable<(string Name, JsonNode? Value)> Leaves(JsonObject tree, string prefix, JsonObject values) =>
        values.SelectMany(entry => entry.Value is JsonObject inner && Find(tree, prefix + entry.Key) is var (owner, key) && owner[key] is JsonObject
            ? Leaves(tree, $"{prefix}{entry.Key}.", inner)
            : [(prefix + entry.Key, entry.Value)]);

    private static (JsonObject Owner, string Key)? Find(JsonObject tree, string name)
    {
        var parts = name.Split('.');
        var owner = tree;
        foreach (var part in parts[..^1])
        {
            if (owner[part] is not JsonObject next)
            {
                return null;
            }

            owner = next;
        }

        return owner.ContainsKey(parts[^1]) ? (owner, parts[^1]) : null;
    }
}
