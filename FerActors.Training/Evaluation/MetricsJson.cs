using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Shared.Labels;
using FerActors.Training.Data;

namespace FerActors.Training.Evaluation;

/// <summary>Writes and reads metrics.json: snake_case names, classes and splits by name, proportions from 0 to 1.</summary>
public static class MetricsJson
{
    public const string FileName = "metrics.json";

    public static byte[] Serialize(EvaluationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return JsonSerializer.SerializeToUtf8Bytes(report, MetricsJsonContext.Default.EvaluationReport);
    }

    /// <exception cref="JsonException">The bytes are not a report.</exception>
    public static EvaluationReport Deserialize(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, MetricsJsonContext.Default.EvaluationReport) ?? throw new JsonException("The report is null.");

    /// <summary>Writes metrics.json into a folder, replacing an older one at once or not at all.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static Task WriteAsync(string folder, EvaluationReport report, CancellationToken cancellationToken = default) =>
        ReplacedFile.WriteAsync(Path.Combine(folder, FileName), Serialize(report), cancellationToken);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    Converters = [typeof(SnakeCaseEnumConverter<Expression>), typeof(SnakeCaseEnumConverter<FerUsage>)])]
[JsonSerializable(typeof(EvaluationReport))]
internal sealed partial class MetricsJsonContext : JsonSerializerContext;

internal sealed class SnakeCaseEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
