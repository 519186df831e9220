using System.Text.Json;
using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>Reads why the API, or a proxy before it, refused a request.</summary>
internal static class HttpProblem
{
    // A proxy may answer with a page of any size.
    private const int MostCharacters = 500;

    /// <param name="response">Its status and headers.</param>
    /// <param name="body">Its body: a problem (RFC 9457) where the API itself answered.</param>
    /// <param name="now">For a <c>Retry-After</c> that is a date.</param>
    public static FerException Read(HttpResponseMessage response, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        var status = (int)response.StatusCode;
        var (code, detail, messageId) = Parse(body);
        return Failures.Of(
            code ?? CodeOf(status),
            detail ?? $"{response.RequestMessage?.RequestUri?.Authority} answered with status {status} and did not say why.",
            messageId,
            retryAfter: RetryAfter(response, now));
    }

    private static string CodeOf(int status) => status switch
    {
        502 or 503 => ApiCodes.BrokerUnavailable,
        504 => ApiCodes.Timeout,
        415 => ErrorCodes.UnsupportedFormat,
        _ => ApiCodes.CodeOf(status),
    };

    private static TimeSpan? RetryAfter(HttpResponseMessage response, DateTimeOffset now) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date > now ? date - now : TimeSpan.Zero,
        _ => null,
    };

    private static (string? Code, string? Detail, string? MessageId) Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var document = JsonDocument.ParseValue(ref reader);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? (Text(document.RootElement, "code"), Text(document.RootElement, "detail"), Text(document.RootElement, "message_id"))
                : default;
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static string? Text(JsonElement problem, string name) =>
        problem.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text[..Math.Min(text.Length, MostCharacters)]
            : null;
}
