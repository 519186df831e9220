using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FerActors.Shared.Protocol;

/// <summary>Writes and reads results as the JSON of the queue contract: snake_case names, absent parts left out.</summary>
public static class ResultJson
{
    public const string ContentType = "application/json";

    private static readonly ResultJsonContext Context = new(new JsonSerializerOptions(ResultJsonContext.Default.Options)
    {
        // Sentences for people, read in consumers and logs, not in HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static byte[] Serialize(ClassificationResult result) =>
        JsonSerializer.SerializeToUtf8Bytes(result, Context.ClassificationResult);

    /// <exception cref="JsonException">The bytes are not a result.</exception>
    public static ClassificationResult Deserialize(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, Context.ClassificationResult) ?? throw new JsonException("The result is null.");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ClassificationResult))]
internal sealed partial class ResultJsonContext : JsonSerializerContext;
