using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;

namespace FerActors.Client.Tests.Http;

/// <summary>Stands for the API: gives the answers that the spec has prepared, in their order, and keeps what it was asked.</summary>
internal sealed class ScriptedApi : HttpMessageHandler
{
    private readonly ConcurrentQueue<Func<CancellationToken, Task<HttpResponseMessage>>> _answers = new();
    private readonly ConcurrentQueue<(HttpRequestMessage Request, byte[] Body)> _heard = new();
    private readonly Channel<int> _asked = Channel.CreateUnbounded<int>();

    public IReadOnlyList<(HttpRequestMessage Request, byte[] Body)> Heard => [.. _heard];

    public void Say(int status, byte[] body, string? retryAfter = null) => _answers.Enqueue(_ =>
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status)
        {
            Content = new ByteArrayContent(body),
            RequestMessage = new HttpRequestMessage(HttpMethod.Post, "https://example.org/v1/classify"),
        };
        if (retryAfter is not null)
        {
            answer.Headers.Add("Retry-After", retryAfter);
        }

        return Task.FromResult(answer);
    });

    public void SayNothing() => _answers.Enqueue(async cancellation =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        throw new InvalidOperationException("It waits for ever.");
    });

    /// <summary>Waits until so many more requests have come.</summary>
    public async Task AskedAsync(int count)
    {
        while (count-- > 0)
        {
            await _asked.Reader.ReadAsync();
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        _heard.Enqueue((request, await request.Content!.ReadAsByteArrayAsync(cancellationToken)));
        _asked.Writer.TryWrite(0);
        return _answers.TryDequeue(out var answer) ? await answer(cancellationToken) : throw new InvalidOperationException("No answer is prepared.");
    }
}
