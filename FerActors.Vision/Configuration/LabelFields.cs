using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FerActors.Vision.Configuration;

/// <summary>
/// <c>id2label</c>, <c>label2id</c> and <c>num_labels</c> of config.json. The first is the one that counts; where the second is
/// there as well it must agree.
/// </summary>
internal static partial class LabelFields
{
    /// <summary>The names of the outputs in their order; <see langword="null"/> where the file has none of the fields.</summary>
    public static IReadOnlyList<string>? Read(JsonFields fields)
    {
        var label2Id = ReadLabel2Id(fields);
        if (ReadId2Label(fields) is { } labels)
        {
            CheckAgreement(fields, labels, label2Id);
            return labels;
        }

        if (label2Id is not null)
        {
            return Invert(fields, label2Id);
        }

        if (!fields.Has("num_labels"))
        {
            return null;
        }

        var count = fields.Int("num_labels", otherwise: 2);
        if (count is < 1 or > VitConfigRules.MaxLabels)
        {
            fields.Fault("num_labels", $"is {count}, not 1 to {VitConfigRules.MaxLabels}");
            return null;
        }

        return [.. Enumerable.Range(0, count).Select(id => $"LABEL_{id}")];
    }

    /// <summary>Whether a label is one of the placeholders that stand where nobody named the outputs.</summary>
    public static bool IsPlaceholder(string label) => Placeholder().IsMatch(label);

    public static void WriteId2Label(Utf8JsonWriter json, IReadOnlyList<string> labels)
    {
        json.WriteStartObject("id2label");
        for (var id = 0; id < labels.Count; id++)
        {
            json.WriteString(id.ToString(CultureInfo.InvariantCulture), labels[id]);
        }

        json.WriteEndObject();
    }

    public static void WriteLabel2Id(Utf8JsonWriter json, IReadOnlyList<string> labels)
    {
        json.WriteStartObject("label2id");
        var written = new HashSet<string>(StringComparer.Ordinal);
        for (var id = 0; id < labels.Count; id++)
        {
            if (written.Add(labels[id]))
            {
                json.WriteNumber(labels[id], id);
            }
        }

        json.WriteEndObject();
    }

    private static string[]? ReadId2Label(JsonFields fields)
    {
        if (fields.Object("id2label") is not { } map)
        {
            return null;
        }

        var byId = new Dictionary<int, string>();
        foreach (var entry in map.All())
        {
            if (!TryParseId(entry.Name, out var id) || entry.Value.ValueKind != JsonValueKind.String
                || !byId.TryAdd(id, entry.Value.GetString()!))
            {
                fields.Fault("id2label", "does not map whole numbers, each once, to texts");
                return null;
            }
        }

        return InOrder(fields, "id2label", byId);
    }

    private static Dictionary<string, int>? ReadLabel2Id(JsonFields fields)
    {
        if (fields.Object("label2id") is not { } map)
        {
            return null;
        }

        var byLabel = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in map.All())
        {
            // Older checkpoints wrote the numbers as texts.
            var isId = entry.Value.ValueKind == JsonValueKind.String
                ? TryParseId(entry.Value.GetString()!, out var id)
                : JsonFields.TryGetInt(entry.Value, out id);
            if (!isId)
            {
                fields.Fault("label2id", "does not map texts to whole numbers");
                return null;
            }

            byLabel.Add(entry.Name, id);
        }

        return byLabel;
    }

    private static void CheckAgreement(JsonFields fields, string[] labels, Dictionary<string, int>? label2Id)
    {
        // Setting id2label alone leaves the library's own placeholders behind in label2id.
        if (label2Id is null || label2Id.Keys.All(IsPlaceholder))
        {
            return;
        }

        foreach (var (label, id) in label2Id)
        {
            if (id < 0 || id >= labels.Length || labels[id] != label)
            {
                fields.Fault(
                    "label2id",
                    $"says that '{Shown(label)}' is output {id}, but id2label does not; the order of the outputs is in doubt");
                return;
            }
        }
    }

    private static string[]? Invert(JsonFields fields, Dictionary<string, int> label2Id)
    {
        var byId = new Dictionary<int, string>();
        foreach (var (label, id) in label2Id)
        {
            if (!byId.TryAdd(id, label))
            {
                fields.Fault("label2id", $"gives the output {id} twice");
                return null;
            }
        }

        return InOrder(fields, "label2id", byId);
    }

    private static string[]? InOrder(JsonFields fields, string name, Dictionary<int, string> byId)
    {
        var labels = new string[byId.Count];
        foreach (var (id, label) in byId)
        {
            if (id < 0 || id >= labels.Length)
            {
                fields.Fault(name, $"does not number its {labels.Length} outputs from 0 without a gap");
                return null;
            }

            labels[id] = label;
        }

        return labels;
    }

    private static bool TryParseId(string text, out int id) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    private static string Shown(string label) => label.Length <= 64 ? label : label[..64] + "...";

    [GeneratedRegex("^LABEL_[0-9]{1,9}$", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();
}
