using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FerActors.Training.Engine;

/// <summary>Says in what the options of a run that was begun and those it is to go on with differ.</summary>
internal static class OptionDifference
{
    private const int MostNamed = 8;

    /// <returns>
    /// A part of a sentence, <c>: epochs (2 there, 3 here)</c>; empty where the earlier options cannot be read. Where the only difference
    /// is more epochs, a sentence more says how a run is lengthened.
    /// </returns>
    public static string Describe(string earlierJson, TrainingOptions options)
    {
        List<(string Name, string There, string Here)> differences = [];
        try
        {
            Compare(JsonNode.Parse(earlierJson), JsonNode.Parse(options.ToJson()), "", differences);
        }
        catch (JsonException)
        {
            return "";
        }

        if (differences.Count == 0)
        {
            return "";
        }

        var named = differences.Take(MostNamed).Select(difference => $"{difference.Name} ({difference.There} there, {difference.Here} here)");
        var more = differences.Count > MostNamed ? $" and {differences.Count - MostNamed} more" : "";
        var text = $": {string.Join(", ", named)}{more}";
        return differences is [("epochs", var there, var here)]
            && int.Parse(here, CultureInfo.InvariantCulture) > int.Parse(there, CultureInfo.InvariantCulture)
            ? $"{text}. Its learning rate fell to the end of its {there} epochs, so that it cannot be lengthened; a new run in another folder can start from its model (init_from)"
            : text;
    }

    private static void Compare(JsonNode? there, JsonNode? here, string name, List<(string Name, string There, string Here)> differences)
    {
        if (there is JsonObject earlier && here is JsonObject later)
        {
            foreach (var key in later.Select(pair => pair.Key).Union(earlier.Select(pair => pair.Key)))
            {
                Compare(earlier[key], later[key], name.Length == 0 ? key : $"{name}.{key}", differences);
            }
        }
        else if (!JsonNode.DeepEquals(there, here))
        {
            differences.Add((name, Text(there), Text(here)));
        }
    }

    private static string Text(JsonNode? value) => value is null ? "none" : value.ToJsonString().Trim('"');
}
