using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace FerActors.Host.Http.Requests;

/// <summary>Another limit on an endpoint's body than the API's own.</summary>
/// <param name="Bytes">The largest body.</param>
internal sealed record BodyLimit(long Bytes);

/// <summary>Bounds each body in its length. Kestrel's own limit would end the connection with the refusal; see <see cref="Web.BodyDrain"/>.</summary>
/// <param name="most">The largest body where the endpoint has no <see cref="BodyLimit"/>.</param>
internal sealed class BodyGuard(long most)
{
    private static readonly string[] Encodings = ["gzip", "deflate", "br"];

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
