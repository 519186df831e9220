using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace FerActors.Host.Http.Requests;

/// <summary>Another limit on an endpoint's body than the API's own.</summary>
/// <param name="Bytes">The largest body.</param>
internal sealed record BodyLimit(long Bytes);

/// <summary>
/// Bounds each body in its length, and takes what a refused client still sends. Kestrel's own limit would end the connection with the
/// refusal; a client that sends everything before it reads (Python's urllib, Node's fetch) then sees a broken pipe and no reason.
/// </summary>
/// <param name="most">The largest body where the endpoint has no <see cref="BodyLimit"/>.</param>
/// <param name="time">The clock.</param>
internal sealed class BodyGuard(long most, TimeProvider time)
{
    private const int DrainedBytes = 32 * 1024 * 1024;

    private static readonly string[] Encodings = ["gzip", "deflate", "br"];
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DrainTimeOfSlow = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    /// <summary>Refuses a body that announces too much, and one that brings too much or unfolds to too much.</summary>
    /// <remarks>It must come after the decompression.</remarks>
    public Task BoundAsync(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint() is not { } endpoint)
        {
            return next(http);
        }

        var limit = endpoint.Metadata.GetMetadata<BodyLimit>()?.Bytes ?? most;
        if (http.Request.ContentLength > limit)
        {
            throw TooLarge(limit);
        }

        http.Request.Body = new BoundedBody(http.Request.Body, limit);
        return next(http);
    }

    /// <summary>Refuses a compression that is not understood, whose body would be taken for a damaged one.</summary>
    public static Task KnowAsync(HttpContext http, RequestDelegate next)
    {
        var given = http.Request.Headers.ContentEncoding;
        if (given.Count == 0 || (given.Count == 1 && Encodings.Contains(given.ToString().Trim(), StringComparer.OrdinalIgnoreCase)))
        {
            return next(http);
        }

        if (string.Equals(given.ToString().Trim(), "identity", StringComparison.OrdinalIgnoreCase))
        {
            http.Request.Headers.Remove(HeaderNames.ContentEncoding);
            return next(http);
        }

        throw new ApiException(ErrorCodes.UnsupportedFormat, $"The header Content-Encoding must be one of {string.Join(", ", Encodings)}, or absent.");
    }

    /// <summary>After a refusal: ends the answer, and reads on for a while, so that the client comes to read the answer.</summary>
    /// <remarks>It must be the outermost, so that nothing else is held meanwhile.</remarks>
    public async Task DrainAsync(HttpContext http, RequestDelegate next)
    {
        var body = http.Request.Body;
        await next(http);
        if (http.Response.StatusCode >= StatusCodes.Status400BadRequest && http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            try
            {
                await http.Response.CompleteAsync();
                await DrainAsync(http, body);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
            {
                // The client has gone, has gone silent, or was too slow for Kestrel: the connection ends now.
            }
        }
    }

    private async Task DrainAsync(HttpContext http, Stream body)
    {
        var began = time.GetTimestamp();
        var longest = http.Response.StatusCode == StatusCodes.Status408RequestTimeout ? DrainTimeOfSlow : DrainTime;
        var buffer = new byte[32 * 1024];
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        for (var drained = 0L; drained < DrainedBytes && time.GetElapsedTime(began) < longest;)
        {
            silence.CancelAfter(Silence);
            if (await body.ReadAsync(buffer, silence.Token) is not (var read and > 0))
            {
                return;
            }

            drained += read;
        }
    }

    private static ApiException TooLarge(long limit) => new(ErrorCodes.TooLarge, $"The body has more than {limit} bytes.");

    /// <summary>The body, counted.</summary>
    private sealed class BoundedBody(Stream body, long limit) : ReadOnlyBody
    {
        private long _read;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                var read = await body.ReadAsync(buffer, cancellationToken);
                return (_read += read) <= limit ? read : throw TooLarge(limit);
            }
            catch (InvalidDataException)
            {
                throw new ApiException(ApiCodes.InvalidRequest, "The body is damaged, or compressed in another way than the header Content-Encoding says.");
            }
        }
    }
}
