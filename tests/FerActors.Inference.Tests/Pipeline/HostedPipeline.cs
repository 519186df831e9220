using Akka.Actor;
using Akka.Hosting;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using FerActors.Inference.Pipeline;
using FerActors.Inference.Serving;
using FerActors.Inference.Tests.Serving;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FerActors.Inference.Tests.Pipeline;

/// <summary>The whole pipeline in a host, as the product builds it, about a fake detector and a fake model.</summary>
internal sealed class HostedPipeline : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly TestKit _kit;

    private HostedPipeline(IHost host, FakeExpressionModel model, ManualResetEventSlim gate, SemaphoreSlim entered)
    {
        (_host, Model, Gate, Entered) = (host, model, gate, entered);
        _kit = new TestKit(host.Services.GetRequiredService<ActorSystem>());
        Asker = _kit.CreateTestProbe();
        Ingress = Actor<ImageIngress>();
    }

    public FakeExpressionModel Model { get; }

    /// <summary>Closed, every detection waits for it.</summary>
    public ManualResetEventSlim Gate { get; }

    /// <summary>A signal for each detection that has begun.</summary>
    public SemaphoreSlim Entered { get; }

    public TestProbe Asker { get; }

    public IActorRef Ingress { get; }

    public static async Task<HostedPipeline> StartAsync(int workers = 2, int maxQueueSize = 1000, BatchingOptions? batching = null)
    {
        var model = new FakeExpressionModel();
        var gate = new ManualResetEventSlim(initialState: true);
        var entered = new SemaphoreSlim(0);
        var host = new HostBuilder()
            .ConfigureLogging(logging => logging.ClearProviders())
            .ConfigureServices(services => services.AddAkka("pipeline", (akka, _) => akka
                .ConfigureLoggers(loggers => loggers.ClearLoggers())
                .AddModelHost(["cpu"], _ => [model], new ScriptedLoader())
                .AddFaceBatcher(batching ?? new BatchingOptions { MaxBatchSize = 8 })
                .AddImageIngress(
                    new IngressSettings("node-1", workers, maxQueueSize, ImageLimits.Default),
                    () => new FaceExtractor(
                        new FakeFaceDetector { Gate = gate, Entered = entered }, ImageLimits.Default, FaceAlignment.Similarity, model.InputSide))))
            .Build();
        await host.StartAsync();
        return new HostedPipeline(host, model, gate, entered);
    }

    public IActorRef Actor<TKey>() => _host.Services.GetRequiredService<ActorRegistry>().Get<TKey>();

    /// <summary>Hands a picture in.</summary>
    public void Send(ulong tag, byte[] body, RequestOptions? request = null, DateTimeOffset? expiresAt = null, bool alone = false) => Ingress.Tell(
        new ClassifyImage(
            new DeliveryKey(1, tag), $"message-{tag}", $"correlation-{tag}", body, request ?? RequestOptions.Default, DateTimeOffset.UtcNow, expiresAt, alone),
        Asker.Ref);

    /// <summary>Hands a picture in and waits for its outcome.</summary>
    public ClassificationResult Classify(ulong tag, byte[] body, RequestOptions? request = null, DateTimeOffset? expiresAt = null)
    {
        Send(tag, body, request, expiresAt);
        return Assert.Single(Outcomes(1)).Value;
    }

    /// <summary>So many outcomes, and proof that there is none beyond them.</summary>
    public Dictionary<ulong, ClassificationResult> Outcomes(int count)
    {
        var outcomes = Asker.ReceiveN(count, TimeSpan.FromSeconds(30)).Cast<ImageOutcome>().ToDictionary(o => o.Key.Tag, o => o.Result);
        Statistics();
        Assert.False(Asker.HasMessages);
        Assert.All(outcomes, o =>
        {
            Assert.Equal(($"message-{o.Key}", $"correlation-{o.Key}", "node-1"), (o.Value.MessageId, o.Value.CorrelationId, o.Value.Node));
            var times = o.Value.TimingsMs;
            Assert.All(
                new[] { times.Decode, times.Detect, times.Align, times.Queue, times.Infer, times.Total },
                ms => Assert.True(double.IsFinite(ms) && ms >= 0, $"{times}"));
        });
        return outcomes;
    }

    public PipelineStatistics Statistics()
    {
        Ingress.Tell(GetPipelineStatistics.Instance, _kit.TestActor);
        return _kit.ExpectMsg<PipelineStatistics>();
    }

    public BatchingStatistics BatchingStatistics()
    {
        Actor<FaceBatcher>().Tell(GetBatchingStatistics.Instance, _kit.TestActor);
        return _kit.ExpectMsg<BatchingStatistics>();
    }

    public async ValueTask DisposeAsync()
    {
        Gate.Set();
        Model.Gate.Set();
        await _host.StopAsync();
        _host.Dispose();
    }
}
