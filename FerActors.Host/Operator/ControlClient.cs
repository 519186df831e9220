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
        using var content = new StringContent(JsonSerializer.Serialize(request, OperatorJson.Requests), Encoding.UTF8, "application/json");
        return await SendAsync(ControlServer.Route, content, cancellation);
    }

    /// <summary>Sends a model folder; the node's reply, or one that says why there is none.</summary>
    /// <param name="version">The new version's name.</param>
    /// <param name="folder">The folder, on this machine.</param>
    /// <param name="parent">The version or checkpoint that it was fine-tuned from.</param>
    /// <param name="sent">Told the bytes after each file.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="IOException">The folder holds no model.</exception>
    public async Task<OperatorReply> PushAsync(string version, string folder, string? parent, Action<long> sent, CancellationToken cancellation)
    {
        ModelUpload.FilesOf(folder);
        using var content = new FolderContent(folder, sent);
        var query = parent is null ? "" : $"?parent={Uri.EscapeDataString(parent)}";
        return await SendAsync($"{ControlServer.ModelsRoute}{Uri.EscapeDataString(version)}{query}", content, cancellation);
    }

    public void Dispose() => _http.Dispose();

    private async Task<OperatorReply> SendAsync(string route, HttpContent content, CancellationToken cancellation)
    {
        try
        {
            using var response = await _http.PostAsync(new Uri(route, UriKind.Relative), content, cancellation);
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

    // Its length is not known before: the files are read as they are sent.
    private sealed class FolderContent : HttpContent
    {
        private readonly string _folder;
        private readonly Action<long> _sent;

        public FolderContent(string folder, Action<long> sent)
        {
            (_folder, _sent) = (folder, sent);
            Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        }

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context, CancellationToken cancellation) =>
            ModelUpload.WriteAsync(_folder, stream, _sent, cancellation);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
