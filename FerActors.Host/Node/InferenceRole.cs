using Akka.Actor;
using Akka.Hosting;
using FerActors.Host.Intake;
using FerActors.Host.Retention;
using FerActors.Inference.Drift;
using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Shared.Options;
using FerActors.Vision.Imaging;
using FerActors.Vision.Native;

namespace FerActors.Host.Node;

/// <summary>What a node of the role <c>inference</c> has: native libraries, detector, models, pipeline and transport.</summary>
public sealed class InferenceRole
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(10);

    private readonly FerOptions _options;
    private readonly FaceDetectorFactory _detectors;

    private InferenceRole(FerOptions options, FaceDetectorFactory detectors) => (_options, _detectors) = (options, detectors);

    /// <summary>The detector that was found.</summary>
    public string Detector => _detectors.Kind.ToString();

    /// <summary>What a lesser detector than the best costs, and the remedy; absent where the best was found or another was asked for.</summary>
    public string? DetectorShortcoming => _detectors.Shortcoming;

    /// <summary>Alignment workers of this node.</summary>
    public int Workers => _options.Pipeline.EffectiveWorkers(Environment.ProcessorCount);

    private IReadOnlyList<int> WarmUpBatches =>
        [.. new[] { 1, _options.Batching.MaxBatchSize }.Concat(_options.Batching.PreferredBatchSizes).Distinct().Order()];

    /// <summary>Finds all that can be wrong with the machine before a message is taken.</summary>
    /// <exception cref="NativeLibraryException">A native library cannot be used on this machine.</exception>
    /// <exception cref="FaceDetectorException">No face detector was found.</exception>
    public static InferenceRole Prepare(FerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        NativeEnvironment.LimitPixels(options.Images.MaxPixels);
        OpenCvRuntime.EnsureLoaded();
        OpenCvRuntime.AssertPixelLimit(options.Images.MaxPixels);
        TorchRuntime.EnsureLoaded();
        var detectors = new FaceDetectorFactory(options.Detection);
        using (detectors.Create())
        {
            // Loads the detector's file once, so that a damaged one stops the node and not its first image.
        }

        return new InferenceRole(options, detectors);
    }

    /// <summary>Adds the role's actors; starting the system then loads the model of <c>Model:Path</c>.</summary>
    /// <param name="akka">The builder of the actor system, which is a member of the cluster.</param>
    /// <param name="node">This node's name in results.</param>
    public void AddTo(AkkaConfigurationBuilder akka, string node)
    {
        ArgumentNullException.ThrowIfNull(akka);
        var limits = ImageLimits.From(_options.Images);
        var side = 0;
        akka
            .AddModelHost(
                ModelInstances.Places(_options.Model),
                devices =>
                {
                    var models = ModelInstances.Load(_options.Model, devices, WarmUpBatches);
                    side = models[0].InputSide;
                    return models;
                },
                new RegistryModelLoader(_options.Registry.Root, _options.Model, WarmUpBatches))
            .AddFaceBatcher(_options.Batching)
            .AddDriftMonitor(_options.Drift, _options.Model.Path)
            .AddImageRetention(_options.Retention)
            .AddImageIngress(
                new IngressSettings(node, Workers, _options.Pipeline.MaxQueueSize, limits),
                () => new FaceExtractor(_detectors.Create(), limits, _options.Detection.Alignment, side))
            .AddDesiredModelsSubscriber(node)
            .AddRabbitTransport(_options.RabbitMq, node, findIngress: FindIngressAsync);
    }

    // Nothing is consumed before the node knows what it should serve and does: a node that joins late must not answer with the
    // model of its configuration where another one was promoted.
    private static async Task<IActorRef> FindIngressAsync(ActorSystem system, IActorRegistry registry)
    {
        var ingress = await registry.GetAsync<ImageIngress>().ConfigureAwait(false);
        var models = await registry.GetAsync<ModelHost>().ConfigureAwait(false);
        while (true)
        {
            try
            {
                await models.Ask<ModelMayServe>(AwaitMayServe.Instance, AskAgain).ConfigureAwait(false);
                return ingress;
            }
            catch (Exception e) when (e is AskTimeoutException or InvalidOperationException && !system.WhenTerminated.IsCompleted)
            {
                // It is still loading, or has restarted and forgotten who asked.
            }
        }
    }
}
