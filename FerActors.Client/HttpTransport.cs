using System.Net.Http.Headers;
using System.Text.Json;
using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>Images to <c>POST /v1/classify</c>; what the API puts off is sent again when it says so.</summary>
/// <param name="http">Gives the client of one request.</param>
/// <param name="options">Validated options.</param>
/// <param name="clock">The time.</param>
internal sealed class HttpTransport(Func<HttpClient> http, FerClientOptions options, TimeProvider clock) : IImageTransport
{
    private readonly Uri _api = new(options.Address.TrimEnd('/') + "/v1/classify");

    public string Name => "http";

    public string Target => _api.GetLeftPart(UriPartial.Path);

    public bool TakesMessageId => false;

    /// <summary>
    /// A handler that follows no redirection: the key goes to the configured address alone. Connections are renewed, so that a changed
    /// name is noticed.
    /// </summary>
    public static SocketsHttpHandler NewHandler() => new() { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };

    /// <summary>What every client needs: the time is kept per request, and a result is bounded.</summary>
    public static void Configure(HttpClient client)
    {
        client.Timeout = Timeout.InfiniteTimeSpan;
        client.MaxResponseContentBufferSize = 64 * 1024 * 1024;
    }

    public async Task<ClassificationResult> SendAsync(ImageRequest request, CancellationToken patience)
    {
        request.WhenOver = () => Failures.Of(ApiCodes.Timeout, $"The API at {_api.Authority} did not answer within {request.Timeout}.", null);
        for (var retries = 0; ; retries++)
        {
            try
            {
                return await SendOnceAsync(request, patience).ConfigureAwait(false);
            }
            catch (FerUnavailableException e) when (e.RetryAfter is { } wait && retries < options.MaxRetries && wait < request.Remaining)
            {
                await Task.Delay(wait, clock, patience).ConfigureAwait(false);
            }
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<ClassificationResult> SendOnceAsync(ImageRequest request, CancellationToken patience)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, WithParameters(request.Options))
        {
            Content = new ReadOnlyMemoryContent(request.Image),
        };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        if (options.ApiKey is { } key)
        {
            message.Headers.Add("X-Api-Key", key);
        }

        try
        {
            using var response = await http().SendAsync(message, patience).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(patience).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? ResultJson.Deserialize(body) : throw HttpProblem.Read(response, body, clock.GetUtcNow());
        }
        catch (HttpRequestException e)
        {
            throw new FerUnavailableException(ApiCodes.BrokerUnavailable, $"The API at {_api.Authority} cannot be reached: {e.Message.TrimEnd('.')}.", e);
        }
        catch (JsonException e)
        {
            throw new FerNodeException(ErrorCodes.Internal, $"What came back from {_api.Authority} is no result.", e);
        }
    }

    // The parameters are the headers of the queue contract without their prefix.
    private Uri WithParameters(RequestOptions request)
    {
        var query = string.Join('&', RequestHeaders.Of(request).Select(
            header => $"{header.Key[RequestHeaders.Prefix.Length..]}={Uri.EscapeDataString(header.Value)}"));
        return query.Length == 0 ? _api : new Uri($"{_api}?{query}");
    }
}
