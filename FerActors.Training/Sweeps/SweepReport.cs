using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Sweeps;

/// <summary>The results of a sweep as a table for people and as JSON.</summary>
public static class SweepReport
{
    public const string MarkdownFileName = "sweep.md";
    public const string JsonFileName = "sweep.json";

    private static readonly JsonSerializerOptions Indented = new(SweepJsonContext.Default.Options) { WriteIndented = true };

    /// <summary>One row a trial, the best first.</summary>
    public static string Markdown(SweepState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var names = state.Space.Parameters.Select(parameter => parameter.Key).ToList();
        var metric = JsonNamingPolicy.SnakeCaseLower.ConvertName(state.Space.Metric.ToString());
        var text = new StringBuilder()
            .Append("| trial | ").AppendJoin(" | ", names).Append(" | epochs | ").Append(metric).Append(" | outcome |\n|")
            .Append(string.Concat(Enumerable.Repeat("---|", names.Count + 4))).Append('\n');
        foreach (var trial in state.Ranking)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {trial.Trial + 1} | ")
                .AppendJoin(" | ", names.Select(name => Shown(trial.Values[name])))
                .Append(CultureInfo.InvariantCulture, $" | {trial.Curve.Count} | {trial.Value:0.0000} | {trial.Outcome.ToString().ToLowerInvariant()}");
            if (trial.Error is { } error)
            {
                text.Append(": ").Append(error.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" "));
            }

            text.Append(" |\n");
        }

        return text.ToString();
    }

    /// <summary>The same, with every trial's values after each epoch.</summary>
    public static string Json(SweepState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return JsonSerializer.Serialize(state.Ranking, Indented.GetTypeInfo(typeof(IReadOnlyList<SweepTrial>))) + "\n";
    }

    /// <summary>Writes both into the sweep's folder, each as a whole.</summary>
    public static async Task WriteAsync(string folder, SweepState state, CancellationToken cancellation)
    {
        await ReplacedFile.WriteAsync(Path.Combine(folder, MarkdownFileName), Encoding.UTF8.GetBytes(Markdown(state)), cancellation).ConfigureAwait(false);
        await ReplacedFile.WriteAsync(Path.Combine(folder, JsonFileName), Encoding.UTF8.GetBytes(Json(state)), cancellation).ConfigureAwait(false);
    }

    internal static string Shown(JsonObject values) => string.Join(", ", values.Select(value => $"{value.Key} {Shown(value.Value)}"));

    private static string Shown(JsonNode? value) => value is JsonValue number && number.TryGetValue<double>(out var d)
        ? d.ToString("G4", CultureInfo.InvariantCulture)
        : value?.ToJsonString().Trim('"') ?? "null";
}
