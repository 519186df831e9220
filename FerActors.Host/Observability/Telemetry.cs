using Akka.Hosting;
using FerActors.Host.Results;
using FerActors.Shared.Options;
using FerActors.Shared.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FerActors.Host.Observability;

/// <summary>What the node measures, which the health endpoint shows to Prometheus, and traces to a collector where <c>Telemetry:TracesUrl</c> is set.</summary>
public static class Telemetry
{
    private const string ServiceName = "feractors";

    /// <summary>Adds the actor that asks the others, and the one that logs results.</summary>
    public static void AddTo(AkkaConfigurationBuilder akka, FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Health.Enabled)
        {
            akka.AddStatisticsCollector(options.Telemetry.CollectEvery);
        }

        if (options.Seq is { Enabled: true, Results: true })
        {
            akka.AddResultLog();
        }
    }

    /// <summary>Adds the exporter of traces.</summary>
    /// <param name="services">The node's services.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="node">This node's name.</param>
    public static void AddTo(IServiceCollection services, FerOptions options, string node)
    {
        ArgumentNullException.ThrowIfNull(options);
        var telemetry = options.Telemetry;
        if (telemetry.TracesUrl.Length == 0)
        {
            return;
        }

        var version = typeof(Telemetry).Assembly.GetName().Version?.ToString(3);
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(ServiceName, serviceVersion: version, serviceInstanceId: node))
            .WithTracing(traces => traces
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(telemetry.TraceShare)))
                .AddSource(FerTracing.SourceName)
                .AddAspNetCoreInstrumentation()
                .AddOtlpExporter(exporter => exporter.Endpoint = new Uri(telemetry.TracesUrl)));
    }
}
