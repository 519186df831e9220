using System.Text.Json;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FerActors.Host.Tests.Observability;

/// <summary>What a node sends to a collector where OpenTelemetry's own variables name one, and the forms of its log.</summary>
[Collection(BrokerCollection.Name)]
public sealed class ExportedTelemetrySpecs(BrokerNode broker)
{
    private const string Secret = "s3cret-of-the-collector";

    [SkippableTheory]
    [InlineData(HttpProtocols.Http2, "grpc")]
    [InlineData(HttpProtocols.Http1, "http/protobuf")]
    public async Task The_variables_of_OpenTelemetry_send_traces_metrics_and_logs_under_the_name_that_they_give(HttpProtocols wire, string protocol)
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await using var collector = await OtlpReceiver.StartAsync(wire);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var node = FerProcess.Start(
            ["host", .. queues.NodeArguments, "--set", "Cluster:Roles=inference", "--set", "Health:Enabled=false", "--set", "Control:Enabled=false"],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_HEADERS", $"api-key={Secret}"),
            ("OTEL_SERVICE_NAME", "faces"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging"),
            ("OTEL_TRACES_SAMPLER", "always_on"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "250"));
        await queues.PublishAsync("one", Surroundings.Picture(".png", side: 48), aligned: true);
        await queues.ResultsAsync(1);
        await collector.SeenAsync("fer.queue.depth");

        // A node that stops sends what it has not sent yet.
        node.Signal("TERM");
        Assert.Equal(0, await node.ExitAsync());

        Assert.Contains(collector.Spans, span => span.Name == $"process {queues.Options.ImagesQueue}");
        Assert.All(["fer.images", "fer.stage.duration", "fer.queue.depth", "process.cpu.time"], name => Assert.Contains(name, collector.Metrics));
        Assert.Contains(collector.Logs, log => log.Text.StartsWith("Telemetry by OTLP: ", StringComparison.Ordinal));
        Assert.Contains(collector.Logs, log => log.Text.Contains("is connected to", StringComparison.Ordinal));
        Assert.All(["service.name=faces", "deployment.environment.name=staging"], attribute => Assert.Contains(attribute, collector.Resources));
        Assert.DoesNotContain("service.name=feractors", collector.Resources);
        Assert.Equal(3, collector.Keys.Count);
        Assert.All(collector.Keys.Values, key => Assert.Equal(Secret, key));
        Assert.DoesNotContain(Secret, node.Output + node.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_variable_that_cannot_be_read_stops_the_start_without_showing_a_password()
    {
        await using var node = FerProcess.Start(
            ["host", "--set", "Health:Port=0"],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", $"collector://user:{Secret}@nowhere"),
            ("OTEL_TRACES_SAMPLER", "sometimes"));

        Assert.Equal(2, await node.ExitAsync());
        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT", node.Errors, StringComparison.Ordinal);
        Assert.Contains("OTEL_TRACES_SAMPLER is 'sometimes'", node.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, node.Errors, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task As_JSON_each_line_of_the_log_is_an_object_and_an_actor_has_a_level_of_its_own()
    {
        Skip.If(broker.Uri is null, broker.Absence);
        await using var queues = await NodeQueues.DeclareAsync(broker);
        await using var node = FerProcess.Start(
        [
            "host", .. queues.NodeArguments, "--set", "Cluster:Roles=control", "--set", "Health:Port=0", "--set", "Control:Enabled=false",
            "--set", "Logging:Console=Json", "--set", "Logging:Level=Warning", "--set", "Logging:Levels=FerActors.Host.Health=Information,/user/feedback=Information",
        ]);
        await node.SaidAsync("is connected to");
        node.Signal("TERM");
        Assert.Equal(0, await node.ExitAsync());

        var lines = node.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.All(lines, line => Assert.NotEmpty(line.GetProperty("RenderedMessage").GetString()!));
        var informed = lines.Where(line => line.GetProperty("Level").GetString() == "Information").ToList();
        Assert.Contains(informed, line => line.GetProperty("RenderedMessage").GetString()!.StartsWith("Health at ", StringComparison.Ordinal));
        Assert.Contains(informed, line => line.GetProperty("RenderedMessage").GetString()!.Contains("is connected to", StringComparison.Ordinal));
        Assert.DoesNotContain(informed, line => line.GetProperty("RenderedMessage").GetString()!.StartsWith("Node ", StringComparison.Ordinal));
        Assert.DoesNotContain(informed, line => line.GetProperty("RenderedMessage").GetString()!.Contains("model registry", StringComparison.Ordinal));
    }
}
