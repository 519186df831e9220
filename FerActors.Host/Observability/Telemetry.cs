using Akka.Hosting;
using FerActors.Host.Health;
using FerActors.Host.Results;
using FerActors.Shared.Options;
using FerActors.Shared.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FerActors.Host.Observability;

/// <summary>What the node measures, which the health endpoint shows to Prometheus, and what it sends to a collector by OTLP.</summary>
public sealed class Telemetry
{
    private const string ServiceName = "feractors";
    private const string Variables = "OTEL_";

    private readonly FerOptions _options;
    private readonly IReadOnlyDictionary<TelemetrySignal, OtlpTarget> _targets;

    private Telemetry(FerOptions options, IReadOnlyDictionary<TelemetrySignal, OtlpTarget> targets) => (_options, _targets) = (options, targets);

    /// <summary>Whether log events go to a collector.</summary>
    public bool SendsLogs => _targets.ContainsKey(TelemetrySignal.Logs);

    /// <summary>What goes where, for the log; empty where nothing is sent.</summary>
    public string Destinations =>
        string.Join("; ", _targets.GroupBy(target => target.Value.ToString(), target => target.Key.ToString().ToLowerInvariant()).Select(group => $"{string.Join(", ", group)} to {group.Key}"));

    /// <summary>Reads the options, and the environment's variables of OpenTelemetry.</summary>
    /// <param name="options">Validated options.</param>
    /// <exception cref="Configuration.ConfigurationException">A variable cannot be read.</exception>
    /// <exception cref="IOException">The file with the headers cannot be read.</exception>
    public static Telemetry Prepare(FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new Telemetry(options, OtlpTarget.Of(options.Telemetry, Environment.GetEnvironmentVariable));
    }

    /// <summary>Adds the actor that asks the others, and the one that logs results.</summary>
    public void AddTo(AkkaConfigurationBuilder akka)
    {
        if (_options.Health.Enabled || _targets.ContainsKey(TelemetrySignal.Metrics))
        {
            akka.AddStatisticsCollector(_options.Telemetry.CollectEvery);
        }

        if (_options.Seq.Results && (_options.Seq.Enabled || SendsLogs))
        {
            akka.AddResultLog();
        }
    }

    /// <summary>Adds the exporters.</summary>
    /// <param name="services">The node's services.</param>
    /// <param name="configuration">The host's own, for OpenTelemetry to read its variables in.</param>
    /// <param name="node">This node's name.</param>
    public void AddTo(IServiceCollection services, IConfigurationBuilder configuration, string node)
    {
        if (_targets.Count == 0)
        {
            return;
        }

        configuration.AddInMemoryCollection(Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value))
            .Where(variable => variable.Key.StartsWith(Variables, StringComparison.Ordinal)));
        var version = typeof(Telemetry).Assembly.GetName().Version?.ToString(3);
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource
            .AddService(ServiceName, serviceVersion: version, serviceInstanceId: node)
            // What the environment says of the service goes before what the program says.
            .AddEnvironmentVariableDetector());
        if (_targets.TryGetValue(TelemetrySignal.Traces, out var traces))
        {
            telemetry.WithTracing(tracing =>
            {
                if (string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(OtlpTarget.SamplerVariable)))
                {
                    tracing.SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(_options.Telemetry.TraceShare)));
                }

                tracing.AddSource(FerTracing.SourceName).AddAspNetCoreInstrumentation().AddOtlpExporter(exporter => Set(exporter, traces));
            });
        }

        if (_targets.TryGetValue(TelemetrySignal.Metrics, out var metrics))
        {
            telemetry.WithMetrics(metering => HealthServer.AddMeters(metering).AddOtlpExporter((exporter, _) => Set(exporter, metrics)));
        }

        if (_targets.TryGetValue(TelemetrySignal.Logs, out var logs))
        {
            telemetry.WithLogging(
                logging => logging.AddOtlpExporter(exporter => Set(exporter, logs)),
                records => records.IncludeFormattedMessage = true);
        }
    }

    private static void Set(OtlpExporterOptions exporter, OtlpTarget target)
    {
        exporter.Endpoint = target.Endpoint;
        exporter.Protocol = target.Protocol == OtlpProtocol.Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        exporter.Headers = target.Headers;
    }
}
