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

/// <summary>Takes what a collector would take: spans by OTLP over gRPC, without encryption.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    // Compressed flag and length.
    private const int FrameHeader = 5;

    private readonly ConcurrentQueue<ExportedSpan> _spans = [];
    private readonly ConcurrentQueue<string> _resources = [];
    private readonly WebApplication _app;

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public IReadOnlyList<ExportedSpan> Spans => [.. _spans];

    /// <summary>Attributes of those that sent them, as name=text.</summary>
    public IReadOnlyList<string> Resources => [.. _resources];

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        Take(body.ToArray());
        http.Response.ContentType = "application/grpc";
        await http.Response.Body.WriteAsync(new byte[FrameHeader]);
        http.Response.AppendTrailer("grpc-status", "0");
    }

    // ExportTraceServiceRequest of opentelemetry-proto 1.x: resource_spans 1; of each resource 1 and scope_spans 2; of these spans 2.
    private void Take(byte[] frame)
    {
        Assert.Equal(frame.Length - FrameHeader, BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(1)));
        foreach (var sender in Fields(frame[FrameHeader..], 1))
        {
            foreach (var attribute in Fields(sender, 1).SelectMany(resource => Fields(resource, 1)))
            {
                _resources.Enqueue($"{Text(attribute, 1)}={Fields(attribute, 2).Select(value => Text(value, 1)).FirstOrDefault()}");
            }

            foreach (var span in Fields(sender, 2).SelectMany(scope => Fields(scope, 2)))
            {
                _spans.Enqueue(new ExportedSpan(Hex(span, 1), Hex(span, 2), Hex(span, 4), Text(span, 5)));
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
