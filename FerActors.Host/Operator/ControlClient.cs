using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace FerActors.Host.Operator;

/// <summary>Talks to a node's <see cref="ControlServer"/>.</summary>
internal sealed class ControlClient : IDisposable
{
    private const int MaxReplyBytes = 64 * 1024 * 1024;

    private readonly ControlAddress _address;
    private readonly HttpClient _http;

    /// <param name="address">The endpoint.</param>
    /// <param name="token">Sent to a TCP port only.</param>
    /// <param name="timeout">Longest wait for a reply.</param>
    public ControlClient(ControlAddress address, string? token, TimeSpan timeout)
    {
        _address = address;
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        if (address.Socket is { } path)
        {
            handler.ConnectCallback = (_, cancellation) => ConnectAsync(path, cancellation);
        }

        _http = new HttpClient(handler)
        {
            BaseAddress = address.Server ?? new Uri("http://node/"),
            Timeout = timeout,
            MaxResponseContentBufferSize = MaxReplyBytes,
        };

        // A node refuses what is too large and closes: with the body already under way its answer could be lost.
        _http.DefaultRequestHeaders.ExpectContinue = true;
        if (address.Server is not null && token is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>The node's reply, or one that says why there is none.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<OperatorReply> AskAsync(OperatorRequest request, CancellationToken cancellation)
    {
        try
        {
            var json = JsonSerializer.Serialize(request, OperatorJson.Requests);
            using var content = new StringContent(json, Encoding.UTF8, "application/json");
            using var response = await _http.PostAsync(new Uri(ControlServer.Route, UriKind.Relative), content, cancellation);
            var body = await response.Content.ReadAsByteArrayAsync(cancellation);
            return Read(body) ?? OperatorReply.NoAnswer($"What answers at {_address} is no node: status {(int)response.StatusCode}.");
        }
        catch (HttpRequestException e)
        {
            // What the system says of an absent file is that an address cannot be assigned.
            var why = _address.Socket is { } path && !File.Exists(path) ? "there is no such socket" : (e.InnerException ?? e).Message;
            return OperatorReply.NoAnswer($"No node answers at {_address}: {why}. Does one run there (fer host)?");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return OperatorReply.NoAnswer($"No answer came from {_address} within {_http.Timeout.TotalSeconds:0.###} s.");
        }
    }

    public void Dispose() => _http.Dispose();

    private static OperatorReply? Read(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize<OperatorReply>(body, OperatorJson.Replies);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            return null;
        }
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
