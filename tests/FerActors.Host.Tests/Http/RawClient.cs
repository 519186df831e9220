using System.Net.Sockets;
using System.Text;

namespace FerActors.Host.Tests.Http;

/// <summary>A client that speaks HTTP by hand, as only one without manners does.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TcpClient _client = new();

    public static async Task<RawClient> ConnectAsync(Uri address)
    {
        var client = new RawClient();
        await client._client.ConnectAsync(address.Host, address.Port);
        return client;
    }

    /// <summary>Sends a text, each of its lines ended as HTTP ends it.</summary>
    public Task SendAsync(params string[] lines) => SendAsync(Encoding.ASCII.GetBytes(string.Concat(lines.Select(line => line + "\r\n"))));

    public async Task SendAsync(byte[] bytes)
    {
        using var bound = new CancellationTokenSource(Patience);
        await _client.GetStream().WriteAsync(bytes, bound.Token);
    }

    /// <summary>All that comes until the server closes.</summary>
    public async Task<string> ReadToEndAsync()
    {
        using var bound = new CancellationTokenSource(Patience);
        using var reader = new StreamReader(_client.GetStream(), leaveOpen: true);
        return await reader.ReadToEndAsync(bound.Token);
    }

    /// <summary>What comes first, such as the head of an answer and its body where both are small.</summary>
    public async Task<string> ReadSomeAsync()
    {
        using var bound = new CancellationTokenSource(Patience);
        var buffer = new byte[16 * 1024];
        return Encoding.ASCII.GetString(buffer, 0, await _client.GetStream().ReadAsync(buffer, bound.Token));
    }

    public void Dispose() => _client.Dispose();
}
