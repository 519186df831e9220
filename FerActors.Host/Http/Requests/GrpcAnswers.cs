using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;

namespace FerActors.Host.Http.Requests;

/// <summary>Refusals in the form that a gRPC client reads: HTTP 200 with the status in headers (the protocol's "Trailers-Only").</summary>
internal static class GrpcAnswers
{
    private const string ContentType = "application/grpc";

    /// <summary>Whether a request is a call by gRPC.</summary>
    public static bool IsCall(HttpRequest request) => request.ContentType?.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>gRPC's status of a reason.</summary>
    public static int StatusOf(string code) => code switch
    {
        ErrorCodes.EmptyBody or ErrorCodes.InvalidHeader or ErrorCodes.BadMessageId or ApiCodes.InvalidRequest
            or ErrorCodes.UnsupportedFormat or ErrorCodes.CorruptImage => 3, // INVALID_ARGUMENT
        ErrorCodes.Expired or ApiCodes.Timeout or ApiCodes.SlowBody => 4, // DEADLINE_EXCEEDED
        ApiCodes.NotFound or ApiCodes.UnknownResult => 5, // NOT_FOUND
        ApiCodes.Forbidden or ApiCodes.ForeignOrigin or ApiCodes.UnknownHost => 7, // PERMISSION_DENIED
        ErrorCodes.TooLarge or ApiCodes.RateLimited => 8, // RESOURCE_EXHAUSTED
        ApiCodes.Refused => 9, // FAILED_PRECONDITION
        ApiCodes.MethodNotAllowed => 12, // UNIMPLEMENTED
        ErrorCodes.Overloaded or ApiCodes.BrokerUnavailable or ApiCodes.RegistryUnavailable => 14, // UNAVAILABLE
        ApiCodes.Unauthorized => 16, // UNAUTHENTICATED
        _ => 13, // INTERNAL
    };

    /// <summary>The message of a status: the reason's code, a colon and a sentence.</summary>
    public static string Message(string code, string sentence) => $"{code}: {sentence}";

    /// <summary>Writes a refusal. The answer must not have begun.</summary>
    public static Task WriteAsync(HttpContext http, string code, string sentence)
    {
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentType = ContentType;
        http.Response.Headers.GrpcStatus = StatusOf(code).ToString(System.Globalization.CultureInfo.InvariantCulture);
        http.Response.Headers.GrpcMessage = Uri.EscapeDataString(Message(code, sentence));
        return Task.CompletedTask;
    }
}
