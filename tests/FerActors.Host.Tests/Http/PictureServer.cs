using FerActors.Host.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

namespace FerActors.Host.Tests.Http;

/// <summary>A server on loopback with one picture, which counts who asks for it.</summary>
internal sealed class PictureServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private PictureServer(byte[] picture)
    {
        _app = NodeWeb.CreateBuilder(["http://127.0.0.1:0"], NullLoggerFactory.Instance).Build();
        _app.Run(async http =>
        {
            Interlocked.Increment(ref _requests);
            http.Response.ContentLength = picture.Length;
            await http.Response.Body.WriteAsync(picture);
        });
    }

    public int Requests => _requests;

    public Uri Address => new(NodeWeb.AddressesOf(_app)[0], "face.png");

    public static async Task<PictureServer> StartAsync(byte[] picture)
    {
        var server = new PictureServer(picture);
        await server._app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
