using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FerActors.Host.Tests.Observability;

/// <param name="Trace">Trace id, hexadecimal.</param>
/// <param name="Id">Span id.</param>
/// <param name="Parent">Span id of the parent; empty where there is none.</param>
/// <param name="Name">The span's name.</param>
internal sealed record ExportedSpan(string Trace, string Id, string Parent, string Name);

/// <param name="Text">The sentence.</param>
/// <param name="Trace">Trace id, hexadecimal; empty outside a trace.</param>
internal sealed record ExportedLog(string Text, string Trace);

/// <summary>Takes what a collector would take: spans, metrics and log records by OTLP over gRPC or HTTP, without encryption.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    // Compressed flag and length.
    private const int FrameHeader = 5;

    private readonly ConcurrentQueue<ExportedSpan> _spans = [];
    private readonly ConcurrentQueue<ExportedLog> _logs = [];
    private readonly ConcurrentDictionary<string, byte> _metrics = [];
    private readonly ConcurrentDictionary<string, string> _keys = [];
    private readonly ConcurrentQueue<string> _resources = [];
    private readonly WebApplication _app;

    private OtlpReceiver(HttpProtocols protocols)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols));
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public IReadOnlyList<ExportedSpan> Spans => [.. _spans];

    public IReadOnlyList<ExportedLog> Logs => [.. _logs];

    /// <summary>Names of the metrics that came.</summary>
    public IReadOnlyList<string> Metrics => [.. _metrics.Keys];

    /// <summary>The header <c>api-key</c> by path, of the last request there.</summary>
    public IReadOnlyDictionary<string, string> Keys => _keys;

    /// <summary>Attributes of those that sent them, as name=text.</summary>
    public IReadOnlyList<string> Resources => [.. _resources];

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<OtlpReceiver> StartAsync(HttpProtocols protocols = HttpProtocols.Http2)
    {
        var receiver = new OtlpReceiver(protocols);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Waits until a metric of that name has come.</summary>
    public async Task SeenAsync(string metric)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!_metrics.ContainsKey(metric))
        {
            await Task.Delay(20, patience.Token);
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var path = http.Request.Path.Value!;
        var isGrpc = http.Request.ContentType == "application/grpc";
        var frame = body.ToArray();
        if (isGrpc)
        {
            Assert.Equal(frame.Length - FrameHeader, BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(1)));
            frame = frame[FrameHeader..];
        }

        _keys[path] = http.Request.Headers["api-key"].ToString();
        Take(path, frame);
        http.Response.ContentType = http.Request.ContentType;
        if (isGrpc)
        {
            await http.Response.Body.WriteAsync(new byte[FrameHeader]);
            http.Response.AppendTrailer("grpc-status", "0");
        }
    }

    // Export*ServiceRequest of opentelemetry-proto 1.x, of one shape for all three: senders 1; of each its resource 1 and scopes 2; of these
    // the spans, metrics or records 2.
    private void Take(string path, byte[] request)
    {
        foreach (var sender in Fields(request, 1))
        {
            foreach (var attribute in Fields(sender, 1).SelectMany(resource => Fields(resource, 1)))
            {
                _resources.Enqueue($"{Text(attribute, 1)}={Fields(attribute, 2).Select(value => Text(value, 1)).FirstOrDefault()}");
            }

            foreach (var item in Fields(sender, 2).SelectMany(scope => Fields(scope, 2)))
            {
                if (path.Contains("trace", StringComparison.OrdinalIgnoreCase))
                {
                    _spans.Enqueue(new ExportedSpan(Hex(item, 1), Hex(item, 2), Hex(item, 4), Text(item, 5)));
                }
                else if (path.Contains("metrics", StringComparison.OrdinalIgnoreCase))
                {
                    _metrics[Text(item, 1)] = 0;
                }
                else
                {
                    _logs.Enqueue(new ExportedLog(Fields(item, 5).Select(value => Text(value, 1)).FirstOrDefault() ?? "", Hex(item, 9)));
                }
            }
        }
    }

    private static string Text(byte[] message, int number) => Encoding.UTF8.GetString([.. Fields(message, number).SelectMany(bytes => bytes)]);

    private static string Hex(byte[] message, int number) => Convert.ToHexStringLower([.. Fields(message, number).SelectMany(bytes => bytes)]);

    private static List<byte[]> Fields(byte[] message, int number)
    {
        var found = new List<byte[]>();
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag && tag != 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == number && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                found.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return found;
    }
}
