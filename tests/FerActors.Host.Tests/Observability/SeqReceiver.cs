using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace FerActors.Host.Tests.Observability;

/// <summary>Takes what a Seq server would take: events in CLEF, one JSON object a line. While it is down it answers 503.</summary>
internal sealed class SeqReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<JsonElement> _events = [];
    private readonly WebApplication _app;

    private SeqReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public bool Down { get; set; }

    /// <summary>Requests that were refused.</summary>
    public int Refused { get; private set; }

    public string? ApiKey { get; private set; }

    /// <summary>All that came, as text.</summary>
    public string Raw { get; private set; } = "";

    public IReadOnlyList<JsonElement> Events => [.. _events];

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<SeqReceiver> StartAsync()
    {
        var receiver = new SeqReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var text = await reader.ReadToEndAsync();
        if (Down)
        {
            Refused++;
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        ApiKey = http.Request.Headers["X-Seq-ApiKey"];
        Raw += text;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            _events.Enqueue(JsonDocument.Parse(line).RootElement.Clone());
        }

        http.Response.StatusCode = StatusCodes.Status201Created;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync("{}");
    }
}
