using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FerActors.Host.Http.Requests;

/// <summary>
/// Gives every request that fails its <c>application/problem+json</c> (RFC 9457), with the reason in <c>code</c>, whoever refused it: an
/// endpoint, the routing, the limits or Kestrel. What went wrong inside is logged and not told.
/// </summary>
internal sealed class ApiProblems(RequestDelegate next, ILogger<ApiProblems> log)
{
    /// <summary>The path under which errors follow the Open Inference Protocol instead: <c>{"error": "..."}</c>.</summary>
    public const string InferencePath = "/v2";

    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await next(http);
            if (!http.Response.HasStarted && http.Response.StatusCode >= 400 && http.Response.ContentType is null)
            {
                var code = ApiCodes.CodeOf(http.Response.StatusCode);
                await WriteAsync(http, code, Sentence(http, code), http.Response.StatusCode);
            }
        }
        catch (ApiException e)
        {
            await WriteAsync(http, e.Code, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            // Kestrel's own limits: the body's length, its rate, its framing.
            var code = ApiCodes.CodeOf(e.StatusCode);
            var sentence = code switch
            {
                ErrorCodes.TooLarge => "The body is over the limit.",
                ApiCodes.SlowBody => "The body arrives too slowly.",
                _ => e.Message,
            };
            await WriteAsync(http, code, sentence, e.StatusCode);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to be told.
            http.Response.StatusCode = ClientClosedRequest;
        }
        catch (Exception e)
        {
            log.LogError(e, "A request to {Route} failed", http.GetEndpoint()?.DisplayName ?? "no endpoint");
            await WriteAsync(http, ErrorCodes.Internal, "The request could not be carried out.");
        }
    }

    /// <summary>Writes a problem, unless an answer has begun.</summary>
    /// <param name="http">The request.</param>
    /// <param name="code">The reason.</param>
    /// <param name="detail">A sentence for the client.</param>
    /// <param name="status">The HTTP status; the code's own by default.</param>
    /// <param name="messageId">The message that it is about, if any.</param>
    public static Task WriteAsync(HttpContext http, string code, string detail, int? status = null, string? messageId = null)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return Task.CompletedTask;
        }

        if (GrpcAnswers.IsCall(http.Request))
        {
            return GrpcAnswers.WriteAsync(http, code, detail);
        }

        var number = status ?? ApiCodes.StatusOf(code);
        if (number == StatusCodes.Status503ServiceUnavailable && http.Response.Headers.RetryAfter.Count == 0)
        {
            http.Response.Headers.RetryAfter = "1";
        }

        if (number is StatusCodes.Status408RequestTimeout or StatusCodes.Status413PayloadTooLarge)
        {
            // The rest of the body is not wanted.
            http.Response.Headers.Connection = "close";
        }

        if (http.Request.Path.StartsWithSegments(InferencePath, StringComparison.Ordinal))
        {
            http.Response.StatusCode = number;
            return http.Response.WriteAsJsonAsync(new Dictionary<string, string> { ["error"] = $"{code}: {detail}" });
        }

        var extensions = new Dictionary<string, object?> { ["code"] = code };
        if (messageId is not null)
        {
            extensions["message_id"] = messageId;
        }

        return TypedResults.Problem(
            detail, statusCode: number, type: $"urn:feractors:problem:{code}", title: code.Replace('_', ' '), extensions: extensions).ExecuteAsync(http);
    }

    private static string Sentence(HttpContext http, string code) => code switch
    {
        ApiCodes.NotFound => "There is nothing under this path.",
        ApiCodes.MethodNotAllowed => $"This path does not take {http.Request.Method}; see the header Allow.",
        _ when http.Response.StatusCode == StatusCodes.Status415UnsupportedMediaType => "This path takes application/json; the header Content-Type says otherwise.",
        _ => "The request was refused.",
    };
}
