using Akka.Hosting;
using FerActors.Host.Configuration;
using FerActors.Host.Observability;
using FerActors.Inference.Faces;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Vision.Native;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Events;

namespace FerActors.Host.Node;

/// <summary>Puts a node together: the cluster, the parts of its roles, logging.</summary>
public static class FerNode
{
    // Above the transport's drain timeout and what closing takes.
    private static readonly TimeSpan ShutdownAllowance = TimeSpan.FromSeconds(30);

    /// <summary>Builds a node; starting it loads the model where it has one.</summary>
    /// <param name="configuration">The configuration; <c>Serilog</c> is read from it too.</param>
    /// <param name="cancellation">Gives up between the steps, of which loading a native library is the longest.</param>
    /// <exception cref="ConfigurationException">The configuration has mistakes.</exception>
    /// <exception cref="NativeLibraryException">A native library cannot be used on this machine.</exception>
    /// <exception cref="FaceDetectorException">No face detector was found.</exception>
    /// <exception cref="IOException">The journal's file belongs to another node.</exception>
    public static IHost Build(IConfiguration configuration, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = FerConfiguration.Read(configuration);
        var telemetry = Telemetry.Prepare(options);
        var inference = options.Cluster.Has(NodeRoles.Inference) ? InferenceRole.Prepare(options) : null;
        cancellation.ThrowIfCancellationRequested();
        ControlRole.Prepare(options);
        cancellation.ThrowIfCancellationRequested();
        TrainingRole.Prepare(options);
        cancellation.ThrowIfCancellationRequested();
        var journal = NodeJournal.Prepare(options);

        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddConfiguration(configuration);
        builder.Services.AddSerilog(logging => FerLogging.Configure(logging, configuration), writeToProviders: telemetry.SendsLogs);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = ShutdownTimeout(options));
        builder.Services.AddHealthEndpoint(options.Health, NodeName);
        builder.Services.AddAkka(ClusterOptions.SystemName, akka =>
        {
            akka
                .ConfigureLoggers(loggers =>
                {
                    loggers.ClearLoggers();
                    loggers.LogLevel = FerLogging.LowestOfActors(options.Logging) <= LogEventLevel.Debug ? Akka.Event.LogLevel.DebugLevel : Akka.Event.LogLevel.InfoLevel;
                    loggers.AddLoggerFactory();
                })
                .WithFerCluster(options.Cluster)
                .AddOperators(options.Control);
            journal?.AddTo(akka);
            ControlRole.AddTo(akka, options);
            TrainingRole.AddTo(akka, options);
            inference?.AddTo(akka, NodeName);
            ApiRole.AddTo(akka, options);
            telemetry.AddTo(akka);
            akka.WithHealthChecks(options);
        });
        ApiRole.AddTo(builder.Services, options);
        telemetry.AddTo(builder.Services, builder.Configuration, NodeName);
        builder.Services.AddControlEndpoint(options.Control, options.Cluster.Has(NodeRoles.Control) ? options.Registry : null);
        var host = builder.Build();
        Announce(host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(FerNode)), options, inference, telemetry);
        return host;
    }

    private static string NodeName => $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>What a node with these options needs at most to stop; whoever watches the process must wait longer.</summary>
    public static TimeSpan ShutdownTimeout(FerOptions options) =>
        options.RabbitMq.DrainTimeout
        + ShutdownAllowance
        + (options.Cluster.Has(NodeRoles.Training) ? options.Training.StopTimeout : TimeSpan.Zero)
        + (options.Cluster.Alone ? TimeSpan.Zero : ClusterComposition.LeaveAllowance);

    private static void Announce(Microsoft.Extensions.Logging.ILogger log, FerOptions options, InferenceRole? inference, Telemetry telemetry)
    {
        log.LogInformation(
            "Node {Node}: roles {Roles}; {Cluster}",
            NodeName,
            string.Join(", ", options.Cluster.EffectiveRoles),
            options.Cluster.Alone ? "alone" : "seeds " + string.Join(", ", options.Cluster.SeedNodes));
        foreach (var file in SecretFiles.OpenToOthers(options))
        {
            log.LogWarning("{Sentence} Take that right away: chmod 600, or 640 for a group", SecretFiles.Sentence(file));
        }

        if (telemetry.Destinations is { Length: > 0 } destinations)
        {
            log.LogInformation("Telemetry by OTLP: {Destinations}", destinations);
        }

        if (inference is not null)
        {
            log.LogInformation(
                "{Broker}; detector {Detector}; {Workers} alignment workers", options.RabbitMq.ToString(), inference.Detector, inference.Workers);
            if (inference.DetectorShortcoming is { } shortcoming)
            {
                log.LogWarning("{Shortcoming}", shortcoming);
            }
        }
    }
}
