using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FerActors.Host.Web;

/// <summary>
/// Takes what a refused client still sends. A server that ends the connection with the refusal leaves a client that sends everything
/// before it reads (Python's urllib, Node's fetch) with a broken pipe and no reason.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class BodyDrain(TimeProvider time)
{
    private const int DrainedBytes = 32 * 1024 * 1024;

    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DrainTimeOfSlow = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

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
}
