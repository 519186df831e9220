using FerActors.Host.Configuration;
using FerActors.Host.Node;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.Observability;

/// <summary>The traces of a whole node at a collector.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ExportedTracesSpecs(BrokerNode broker)
{
    private const string TraceId = "1af7651916cd43dd8448eb211c80319c";
    private const string ParentSpan = "c7ad6b7169203331";

    [SkippableFact]
    public async Task A_collector_gets_the_spans_of_an_image_whose_publisher_records_them()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await using var collector = await OtlpReceiver.StartAsync();
        await using var queues = await NodeQueues.DeclareAsync(broker);
        using var data = new NodeData();
        using (var node = FerNode.Build(FerConfiguration.Build(null,
        [
            .. queues.Settings,
            .. data.Settings,
            $"Telemetry:TracesUrl={collector.Address}",
            "Telemetry:TraceShare=0",
            $"Model:Path={Surroundings.ShippedModel}",
            $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
            "Health:Port=0",
            "Logging:Level=Error",
        ])))
        {
            await node.StartAsync();
            var picture = Surroundings.Picture(".png", side: 48);
            await queues.PublishAsync("unrecorded", picture, aligned: true);
            await queues.Client.PublishAsync(queues.Options.ImagesQueue, picture, properties => properties.Headers = new Dictionary<string, object?>
            {
                [RequestHeaders.Aligned] = "true",
                ["traceparent"] = $"00-{TraceId}-{ParentSpan}-01",
            });
            await queues.ResultsAsync(2);

            // A node that stops sends what it has not sent yet.
            await node.StopAsync();
        }

        var processed = Assert.Single(collector.Spans, span => span.Name == $"process {queues.Options.ImagesQueue}");
        var sent = Assert.Single(collector.Spans, span => span.Name == $"send {queues.Options.ResultsQueue}");
        Assert.Equal((TraceId, ParentSpan), (processed.Trace, processed.Parent));
        Assert.Equal((TraceId, processed.Id), (sent.Trace, sent.Parent));
        Assert.Equal(2, collector.Spans.Count);
        Assert.Contains("service.name=feractors", collector.Resources);
    }
}
