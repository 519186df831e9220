using System.Text.Json;
using System.Text.Json.Serialization;
using FerActors.Training.Engine;

namespace FerActors.Training.Runs;

/// <summary>The run's log: one JSON object a line for each epoch.</summary>
public static class EpochLog
{
    public static string Line(EpochRecord record) => JsonSerializer.Serialize(record, EpochLogContext.Default.EpochRecord) + "\n";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(EpochRecord))]
internal sealed partial class EpochLogContext : JsonSerializerContext;
