using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using FerActors.Shared.Options;

namespace FerActors.Training.Configuration;

/// <summary>Lays given values over a tree of defaults, and says of each that does not fit what is wrong with it.</summary>
internal static class OptionOverlay
{
    /// <summary>Replaces the given values in the tree; those that do not fit are left as they were.</summary>
    /// <param name="tree">All options of the type with their values.</param>
    /// <param name="given">Some of them.</param>
    /// <param name="type">The options' type.</param>
    /// <param name="path">What stands before their names in messages: empty, or a section with its dot.</param>
    /// <param name="errors">Gets a sentence for each value that does not fit.</param>
    public static void Apply(JsonObject tree, JsonObject given, JsonTypeInfo type, string path, List<string> errors)
    {
        foreach (var (name, value) in given)
        {
            var property = tree.ContainsKey(name) ? type.Properties.FirstOrDefault(p => p.Name == name) : null;
            if (property is null)
            {
                errors.Add($"{path}{name} is no option.{Suggestion(name, tree)}");
                continue;
            }

            var own = type.Options.GetTypeInfo(property.PropertyType);
            if (own.Kind == JsonTypeInfoKind.Object)
            {
                if (value is JsonObject section)
                {
                    Apply((JsonObject)tree[name]!, section, own, $"{path}{name}.", errors);
                }
                else
                {
                    errors.Add($"{path}{name} is {Shown(value)}; it is a section of options ({string.Join(", ", Names((JsonObject)tree[name]!))}).");
                }

                continue;
            }

            var fitted = Fit(value, own);
            if (IsReadable(fitted, own, property))
            {
                tree[name] = fitted;
            }
            else
            {
                errors.Add($"{path}{name} is {Shown(value)}; it must be {Wanted(property.PropertyType)}.");
            }
        }
    }

    // Always a copy, since a node has one parent. A number may stand where a text is wanted (version: 2), one text for a list of one.
    private static JsonNode? Fit(JsonNode? value, JsonTypeInfo type) => value switch
    {
        JsonValue number when type.Type == typeof(string) && number.GetValueKind() != JsonValueKind.String => JsonValue.Create(number.ToJsonString()),
        JsonValue single when type.Kind == JsonTypeInfoKind.Enumerable => new JsonArray(single.DeepClone()),
        _ => value?.DeepClone(),
    };

    private static bool IsReadable(JsonNode? value, JsonTypeInfo type, JsonPropertyInfo property)
    {
        try
        {
            return value is null
                ? property.IsSetNullable && (!type.Type.IsValueType || Nullable.GetUnderlyingType(type.Type) is not null)
                : value.Deserialize(type) is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Wanted(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        var wanted =
            plain == typeof(int) || plain == typeof(long) ? "a whole number"
            : plain == typeof(double) || plain == typeof(float) ? "a number"
            : plain == typeof(bool) ? "true or false"
            : plain == typeof(string) ? "a text"
            : plain.IsEnum ? string.Join(" or ", Enum.GetNames(plain))
            : "a list of texts";
        return plain == type ? wanted : $"{wanted} or null";
    }

    private static string Shown(JsonNode? value)
    {
        const int most = 60;
        var text = value?.ToJsonString() ?? "null";
        return text.Length <= most ? text : text[..most] + "...";
    }

    private static IEnumerable<string> Names(JsonObject tree) => tree.Select(p => p.Key);

    private static string Suggestion(string name, JsonObject tree) =>
        Spelling.Nearest(name, Names(tree)) is { } near ? $" Is {near} meant?" : "";
}
