using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Robustness;

/// <summary>The rows of a robustness test as a table.</summary>
public static class RobustnessTable
{
    /// <summary>What the figures are of, a sentence or two.</summary>
    public const string Note =
        "Accuracy is against the labels, and its change in points is against the images as they are. Resampling is that of the pipeline; "
        + "eyes and mouth are covered by a band of the image's mean grey.";

    /// <summary>The heads; that of the agreement is there where one of the rows has some.</summary>
    internal static IReadOnlyList<string> Heads(IReadOnlyList<RobustnessRow> rows) =>
        ["Condition", "Level", "Accuracy (95 % interval)", "Change", "Macro-F1", .. HasVotes(rows) ? ["Agreement with the majority"] : Array.Empty<string>()];

    /// <summary>The cells of each row; proportions in per cent, the change in points.</summary>
    internal static IEnumerable<IReadOnlyList<string>> Cells(IReadOnlyList<RobustnessRow> rows)
    {
        var votes = HasVotes(rows);
        return rows.Select(IReadOnlyList<string> (row) =>
        [
            row.Kind,
            row.Level,
            $"{EvaluationMarkdown.Percent(row.Accuracy)} ({EvaluationMarkdown.Percent(row.AccuracyInterval.Low)} to {EvaluationMarkdown.Percent(row.AccuracyInterval.High)})",
            (100 * row.Change).ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture),
            EvaluationMarkdown.Percent(row.MacroF1),
            .. votes ? [EvaluationMarkdown.Percent(row.Agreement)] : Array.Empty<string>(),
        ]);
    }

    public static string Markdown(IReadOnlyList<RobustnessRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var heads = Heads(rows);
        var text = new StringBuilder();
        EvaluationMarkdown.AppendRow(text, heads);
        text.Append("|---|---|").Append(string.Concat(Enumerable.Repeat("---:|", heads.Count - 2))).Append('\n');
        foreach (var cells in Cells(rows))
        {
            EvaluationMarkdown.AppendRow(text, cells);
        }

        return text.ToString();
    }

    /// <summary>The rows as a JSON array with snake_case names and proportions from 0 to 1.</summary>
    public static string Json(IReadOnlyList<RobustnessRow> rows) => JsonSerializer.Serialize(rows, RobustnessJsonContext.Default.IReadOnlyListRobustnessRow);

    private static bool HasVotes(IReadOnlyList<RobustnessRow> rows) => rows.Any(row => row.Agreement is not null);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<RobustnessRow>))]
internal sealed partial class RobustnessJsonContext : JsonSerializerContext;
