using Akka.Hosting;
using FerActors.Host.Telemetry;
using FerActors.Shared.Options;
using FerActors.Shared.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FerActors.Host.Composition;

/// <summary>Metrics for Prometheus where <c>Telemetry:MetricsUrl</c> is set, traces to a collector where <c>Telemetry:TracesUrl</c> is.</summary>
public static class Telemetry
{
    private const string ServiceName = "feractors";

    // Of .NET itself: garbage collection, thread pool; requests of the API; the process.
    private static readonly string[] Meters =
    [
        FerMetrics.MeterName,
        NodeMeter.MeterName,
        "System.Runtime",
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.RateLimiting",
    ];

    /// <summary>Adds the actor that asks the others, and the one that logs results.</summary>
    public static void AddTo(AkkaConfigurationBuilder akka, FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Telemetry.MetricsUrl.Length > 0)
        {
            akka.AddStatisticsCollector(options.Telemetry.CollectEvery);
        }

        if (options.Seq is { Enabled: true, Results: true })
        {
            akka.AddResultLog();
        }
    }

    /// <summary>Adds the exporters and the server that Prometheus reads.</summary>
    /// <param name="services">The node's services.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="node">This node's name.</param>
    public static void AddTo(IServiceCollection services, FerOptions options, string node)
    {
        ArgumentNullException.ThrowIfNull(options);
        var telemetry = options.Telemetry;
        if (telemetry.MetricsUrl.Length == 0 && telemetry.TracesUrl.Length == 0)
        {
            return;
        }

        var version = typeof(Telemetry).Assembly.GetName().Version?.ToString(3);
        var open = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(ServiceName, serviceVersion: version, serviceInstanceId: node));
        if (telemetry.MetricsUrl.Length > 0)
        {
            open.WithMetrics(metrics => metrics.AddMeter(Meters).AddProcessInstrumentation().AddPrometheusExporter());
            services.AddSingleton(provider => new MetricsServer(
                telemetry.MetricsUrl, provider.GetRequiredService<MeterProvider>(), provider.GetRequiredService<ILoggerFactory>()));
            services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<MetricsServer>());
        }

        if (telemetry.TracesUrl.Length > 0)
        {
            open.WithTracing(traces => traces
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(telemetry.TraceShare)))
                .AddSource(FerTracing.SourceName)
                .AddAspNetCoreInstrumentation()
                .AddOtlpExporter(exporter => exporter.Endpoint = new Uri(telemetry.TracesUrl)));
        }
    }
}
