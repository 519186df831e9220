using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FerActors.Host.Operator;

/// <summary>The form of requests and replies on the control endpoint and of <c>--json</c>: snake_case, enums by name.</summary>
public static class OperatorJson
{
    private static readonly Dictionary<Type, string> Names = typeof(OperatorRequest).GetCustomAttributes<JsonDerivedTypeAttribute>()
        .ToDictionary(a => a.DerivedType, a => (string)a.TypeDiscriminator!);

    /// <summary>Refuses unknown and missing members: a misspelt one would be passed over in silence.</summary>
    public static JsonSerializerOptions Requests { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        AllowOutOfOrderMetadataProperties = true,
        MaxDepth = 16,
    };

    /// <summary>Unknown members are passed over, so that an older <c>fer</c> understands a newer node.</summary>
    public static JsonSerializerOptions Replies { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        AllowOutOfOrderMetadataProperties = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        WriteIndented = true,

        // For terminals and files, never inside a page: a quotation mark in a sentence stays one.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <exception cref="JsonException">It is none; the message is for people.</exception>
    public static OperatorRequest ReadRequest(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<OperatorRequest>(json, Requests) ?? throw new JsonException("The request is null.");
        }
        catch (NotSupportedException)
        {
            throw new JsonException("The request has no 'operation'.");
        }
    }

    /// <summary>The value of a request's <c>operation</c>.</summary>
    public static string NameOf(OperatorRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Names[request.GetType()];
    }

    public static string Write(OperatorReply reply) => JsonSerializer.Serialize(reply, Replies);
}
