using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FerActors.Training.Evaluation;

/// <summary>The YAML block at the head of a model card, which the Hub reads.</summary>
internal static class ModelCardFrontMatter
{
    private static readonly string[] UsualTags =
        ["image-classification", "facial-expression-recognition", "vision-transformer", "vit", "fer2013"];

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Append(StringBuilder text, ModelCardFacts facts)
    {
        text.Append("---\n");
        text.Append("license: ").Append(Quote(facts.License)).Append('\n');
        text.Append("pipeline_tag: image-classification\n");
        AppendList(text, "tags", UsualTags.Concat(facts.Tags).Distinct(StringComparer.Ordinal));
        AppendList(text, "datasets", [facts.DatasetName]);
        AppendList(text, "metrics", ["accuracy", "f1"]);
        if (facts.AverageOf.Count > 0)
        {
            if (facts.AverageOf.All(IsHubName))
            {
                // The Hub's word for any mixture of weights.
                AppendList(text, "base_model", facts.AverageOf);
                text.Append("base_model_relation: merge\n");
            }
        }
        else if (facts.BaseModel is { } parent && IsHubName(parent))
        {
            text.Append("base_model: ").Append(Quote(parent)).Append('\n');
        }

        AppendResults(text, facts);
        text.Append("---\n\n");
    }

    // The Hub makes a link of it. A folder on somebody's machine is no name there; the card's own text names it.
    private static bool IsHubName(string model) => model.Split('/') is [{ Length: > 0 }, { Length: > 0 }];

    private static void AppendList(StringBuilder text, string name, IEnumerable<string> items)
    {
        text.Append(name).Append(":\n");
        foreach (var item in items)
        {
            text.Append("- ").Append(Quote(item)).Append('\n');
        }
    }

    private static void AppendResults(StringBuilder text, ModelCardFacts facts)
    {
        if (facts.Evaluations.Count == 0)
        {
            return;
        }

        text.Append("model-index:\n- name: ").Append(Quote(facts.Name)).Append("\n  results:\n");
        foreach (var evaluation in facts.Evaluations)
        {
            text.Append("  - task:\n      type: image-classification\n");
            text.Append("    dataset:\n      name: ").Append(Quote(facts.DatasetName)).Append('\n');
            text.Append("      type: ").Append(Quote(facts.DatasetName)).Append('\n');
            text.Append("      split: ").Append(Quote(evaluation.Split.ToString())).Append('\n');
            text.Append("    metrics:\n");
            AppendMetric(text, "accuracy", evaluation.Metrics.Accuracy);
            AppendMetric(text, "f1", evaluation.Metrics.MacroF1);
        }
    }

    private static void AppendMetric(StringBuilder text, string type, double value) =>
        text.Append("    - type: ").Append(type).Append("\n      value: ")
            .Append(value.ToString("0.0000", CultureInfo.InvariantCulture)).Append('\n');

    // A JSON string is a YAML double-quoted scalar, so nothing in a fact can open a new key.
    private static string Quote(string value) => JsonSerializer.Serialize(value, Plain);
}
