using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Akka.Actor;
using FerActors.Host.Http.Gateway;
using FerActors.Host.Tests.Brokers;
using FerActors.Host.Tests.Http;
using FerActors.Shared.Telemetry;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Observability;

/// <summary>One trace from the upload through the queue to the result, in the headers that every tracing library knows.</summary>
public sealed class TracingSpecs(BrokerNode broker, ITestOutputHelper output) : TransportSpecBase(broker, output)
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string ParentSpan = "b7ad6b7169203331";
    private const string Parent = $"00-{TraceId}-{ParentSpan}-01";

    [SkippableFact]
    public async Task An_upload_is_one_trace_from_the_request_to_the_publication_of_its_result()
    {
        using var spans = new Recorder(FerTracing.SourceName, "Microsoft.AspNetCore");
        await StartAsync();
        await using var api = await ApiUnderTest.StartAsync(Sys, Options);
        await UntilAsync(async () => (await api.Gateway.Ask<GatewayStatus>(GetGatewayStatus.Instance, Patience)).Connected);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/classify") { Content = new ByteArrayContent(Surroundings.Picture(".png")) };
        request.Headers.Add("traceparent", Parent);

        Assert.Equal(HttpStatusCode.OK, (await api.Client.SendAsync(request)).StatusCode);

        await UntilAsync(() => Task.FromResult(spans.Of(TraceId).Count == 4));
        var all = spans.Of(TraceId);
        var upload = all.Single(span => span.Kind == ActivityKind.Server);
        var sent = all.Single(span => span.OperationName == $"send {Options.ImagesQueue}");
        var processed = all.Single(span => span.OperationName == $"process {Options.ImagesQueue}");
        var result = all.Single(span => span.Kind == ActivityKind.Producer && span != sent);
        Assert.Equal(ParentSpan, upload.ParentSpanId.ToString());
        Assert.Equal(upload.SpanId, sent.ParentSpanId);
        Assert.Equal(sent.SpanId, processed.ParentSpanId);
        Assert.Equal(processed.SpanId, result.ParentSpanId);
        Assert.Equal(ActivityKind.Consumer, processed.Kind);
        Assert.Equal("rabbitmq", processed.GetTagItem("messaging.system"));
        Assert.Equal(FakePipeline.Version, processed.GetTagItem("fer.model.version"));
        Assert.Equal(sent.GetTagItem("messaging.message.id"), processed.GetTagItem("messaging.message.id"));
        Assert.All(all, span => Assert.Equal(ActivityStatusCode.Unset, span.Status));
    }

    [SkippableFact]
    public async Task The_trace_of_a_publisher_comes_back_with_the_result_even_where_nothing_is_recorded()
    {
        await StartAsync();

        await SendAsync("m-1", more: properties => properties.Headers = new Dictionary<string, object?> { ["traceparent"] = Parent, ["tracestate"] = "a=b" });

        var headers = (await Client.NextAsync(Options.ResultsQueue)).Properties.Headers!;
        Assert.StartsWith($"00-{TraceId}-", Text(headers["traceparent"]), StringComparison.Ordinal);
        Assert.Equal("a=b", Text(headers["tracestate"]));
    }

    [SkippableFact]
    public async Task A_trace_header_that_is_none_is_passed_over()
    {
        await StartAsync();

        await SendAsync("m-1", more: properties => properties.Headers = new Dictionary<string, object?> { ["traceparent"] = "nonsense" });
        await SendAsync("m-2", more: properties => properties.Headers = new Dictionary<string, object?> { ["traceparent"] = 7 });

        var results = await Client.TakeAsync(Options.ResultsQueue, 2);
        Assert.All(results, result => Assert.False(result.Properties.Headers!.ContainsKey("traceparent")));
    }

    private static string Text(object? header) => System.Text.Encoding.UTF8.GetString((byte[])header!);

    /// <summary>Records the ended spans of some sources.</summary>
    private sealed class Recorder : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _ended = [];
        private readonly ActivityListener _listener;

        public Recorder(params string[] sources)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => sources.Contains(source.Name),
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = _ended.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IReadOnlyList<Activity> Of(string trace) => [.. _ended.Where(span => span.TraceId.ToString() == trace)];

        public void Dispose() => _listener.Dispose();
    }
}
