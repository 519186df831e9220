using Akka.Hosting;
using FerActors.Host.Messaging;
using FerActors.Inference.Alignment;
using FerActors.Inference.Batching;
using FerActors.Inference.Drift;
using FerActors.Inference.Faces;
using FerActors.Inference.Imaging;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Vision.Native;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Serilog;

namespace FerActors.Host.Composition;

/// <summary>Puts an inference node together: native libraries, model, detector, actors, transport, logging.</summary>
public static class FerNode
{
    // Above the transport's drain timeout and what closing takes.
    private static readonly TimeSpan ShutdownAllowance = TimeSpan.FromSeconds(30);

    /// <summary>Builds a node; starting it loads the model.</summary>
    /// <param name="configuration">The configuration; <c>Serilog</c> is read from it too.</param>
    /// <exception cref="ConfigurationException">The configuration has mistakes.</exception>
    /// <exception cref="NativeLibraryException">A native library cannot be used on this machine.</exception>
    /// <exception cref="FaceDetectorException">No face detector was found.</exception>
    public static IHost Build(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = FerConfiguration.Read(configuration);

        // All that can be wrong with the machine is found before a message is taken.
        NativeEnvironment.LimitPixels(options.Images.MaxPixels);
        OpenCvRuntime.EnsureLoaded();
        OpenCvRuntime.AssertPixelLimit(options.Images.MaxPixels);
        TorchRuntime.EnsureLoaded();
        var detectors = new FaceDetectorFactory(options.Detection);
        using (detectors.Create())
        {
            // Loads the detector's file once, so that a damaged one stops the node and not its first image.
        }

        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddConfiguration(configuration);
        builder.Services.AddSerilog(logging => FerLogging.Configure(logging, configuration));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = options.RabbitMq.DrainTimeout + ShutdownAllowance);
        builder.Services.AddAkka("FerActors", akka => akka
            .ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLoggerFactory();
            })
            .AddPipeline(options, detectors, () => VitExpressionModel.Load(options.Model, WarmUpBatches(options.Batching)))
            .AddRabbitTransport(options.RabbitMq, NodeName));
        var host = builder.Build();
        host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(FerNode)).LogInformation(
            "Node {Node}: {Broker}; detector {Detector}; {Workers} alignment workers",
            NodeName,
            options.RabbitMq.ToString(),
            detectors.Kind,
            options.Pipeline.EffectiveWorkers(Environment.ProcessorCount));
        return host;
    }

    /// <summary>Adds the actors between the transport and the model, and the drift monitor beside them.</summary>
    public static AkkaConfigurationBuilder AddPipeline(
        this AkkaConfigurationBuilder builder, FerOptions options, FaceDetectorFactory detectors, Func<IExpressionModel> load)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(detectors);
        ArgumentNullException.ThrowIfNull(load);
        var limits = ImageLimits.From(options.Images);
        var side = 0;
        return builder
            .AddModelWorker(() =>
            {
                var model = load();
                side = model.InputSide;
                return model;
            })
            .AddFaceBatcher(options.Batching)
            .AddDriftMonitor(options.Drift, options.Model.Path)
            .AddImageIngress(
                new IngressSettings(
                    NodeName, options.Pipeline.EffectiveWorkers(Environment.ProcessorCount), options.Pipeline.MaxQueueSize, limits),
                () => new FaceExtractor(detectors.Create(), limits, options.Detection.Alignment, side));
    }

    private static string NodeName => $"{Environment.MachineName}-{Environment.ProcessId}";

    private static IReadOnlyList<int> WarmUpBatches(BatchingOptions batching) =>
        [.. new[] { 1, batching.MaxBatchSize }.Concat(batching.PreferredBatchSizes).Distinct().Order()];
}
