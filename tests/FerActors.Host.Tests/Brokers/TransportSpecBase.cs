using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using FerActors.Host.Broker;
using FerActors.Host.Intake;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing;
using FerActors.Testing.Processes;
using Xunit.Abstractions;

namespace FerActors.Host.Tests.Brokers;

/// <summary>A transport with queues of its own on the shared broker, a fake pipeline behind it, and a client before it.</summary>
[Collection(BrokerCollection.Name)]
public abstract class TransportSpecBase : TestKit, IAsyncLifetime
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private static readonly Config Quiet = ConfigurationFactory.ParseString("akka.loglevel = INFO");

    private readonly string _suffix = Guid.NewGuid().ToString("N")[..8];
    private readonly Dictionary<DeliveryKey, IActorRef> _askers = [];
    private PublisherClient? _client;

    protected TransportSpecBase(BrokerNode broker, ITestOutputHelper output)
        : base(Quiet, output: output)
    {
        Broker = broker;
        Pipeline = CreateTestProbe("pipeline");
        Options = new RabbitMqOptions
        {
            Uri = broker.Uri ?? "amqp://localhost",
            ImagesQueue = $"fer.images.{_suffix}",
            ResultsQueue = $"fer.results.{_suffix}",
            DeadLetterExchange = $"fer.dlx.{_suffix}",
            DeadLetterQueue = $"fer.dead.{_suffix}",
            FeedbackQueue = $"fer.feedback.{_suffix}",
            FeedbackDeadLetterQueue = $"fer.feedback.dead.{_suffix}",
            ReplyToAllowed = ["fer.reply."],
            Prefetch = 16,
            ReconnectMinBackoff = TimeSpan.FromMilliseconds(50),
            ReconnectMaxBackoff = TimeSpan.FromMilliseconds(500),
            DrainTimeout = TimeSpan.FromSeconds(10),
        };
    }

    protected BrokerNode Broker { get; }

    protected RabbitMqOptions Options { get; }

    protected TestProbe Pipeline { get; }

    protected IActorRef Transport { get; private set; } = ActorRefs.Nobody;

    protected PublisherClient Client => _client!;

    protected string ReplyQueue => $"fer.reply.{_suffix}";

    public async Task InitializeAsync()
    {
        if (Broker.Uri is not null)
        {
            _client = await PublisherClient.ConnectAsync(Broker.Uri);
        }
    }

    public async Task DisposeAsync()
    {
        if (_client is null)
        {
            return;
        }

        if (!Transport.IsNobody())
        {
            await Transport.GracefulStop(Patience);
        }

        if (_client.Channel.IsClosed)
        {
            await ReconnectClientAsync();
        }

        foreach (var queue in new[] { Options.ImagesQueue, Options.ResultsQueue, Options.DeadLetterQueue, Options.FeedbackQueue, Options.FeedbackDeadLetterQueue, ReplyQueue })
        {
            await _client.Channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false);
        }

        await _client.Channel.ExchangeDeleteAsync(Options.DeadLetterExchange);
        await _client.DisposeAsync();
    }

    protected void RequireBroker(bool isPrivate = false)
    {
        Skip.If(Broker.Uri is null, Broker.Absence);
        Skip.If(isPrivate && !Broker.IsPrivate, "This spec stops or commands the broker, and FER_TEST_RABBITMQ names one that is not ours.");
    }

    /// <summary>Starts the transport, and waits until it consumes.</summary>
    protected async Task StartAsync(bool answers = true, IRabbitConnector? connector = null)
    {
        RequireBroker();
        var pipeline = Sys.ActorOf(Props.Create(() => new FakePipeline(Pipeline.Ref, answers)));
        StartTransport(pipeline, connector);
        await ConsumingAsync();
    }

    protected void StartTransport(IActorRef pipeline, IRabbitConnector? connector = null)
    {
        var options = Options;
        var connect = connector ?? new RabbitConnector(options);
        Func<Task<IActorRef>> find = () => Task.FromResult(pipeline);
        Transport = Sys.ActorOf(Props.Create(() => new RabbitTransportActor(options, connect, find, "node-1", TimeProvider.System)));
    }

    protected Task ConsumingAsync() => UntilAsync(async () => await StatisticsAsync() is { ConsumerConnected: true, PublisherConnected: true });

    protected Task UntilAsync(Func<Task<bool>> condition) => AwaitConditionAsync(condition, Patience, Poll);

    protected Task<TransportStatistics> StatisticsAsync() =>
        Transport.Ask<TransportStatistics>(GetTransportStatistics.Instance, Patience);

    /// <summary>Waits until nothing is in flight and so many deliveries were acknowledged.</summary>
    protected async Task<TransportStatistics> SettledAsync(long acknowledged)
    {
        await UntilAsync(
            async () => await StatisticsAsync() is { InFlight: 0, PendingResults: 0 } seen && seen.Intake.Acknowledged >= acknowledged);
        return await StatisticsAsync();
    }

    protected Task SendAsync(string id, byte[]? body = null, Action<RabbitMQ.Client.BasicProperties>? more = null) =>
        Client.PublishAsync(Options.ImagesQueue, body ?? [1, 2, 3], properties =>
        {
            properties.MessageId = id;
            more?.Invoke(properties);
        });

    protected async Task<ClassificationResult> NextResultAsync() => Read(await Client.NextAsync(Options.ResultsQueue));

    protected static ClassificationResult Read(Received message) => ResultJson.Deserialize(message.Body);

    protected async Task<ClassifyImage> NextImageAsync()
    {
        var image = await Pipeline.ExpectMsgAsync<ClassifyImage>(Patience);
        _askers[image.Key] = Pipeline.LastSender;
        return image;
    }

    /// <summary>Answers for the pipeline, as it would.</summary>
    protected void Answer(ClassifyImage image) => _askers[image.Key].Tell(FakePipeline.Answer(image));

    protected async Task ReconnectClientAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        _client = await PublisherClient.ConnectAsync(Broker.Uri!);
    }
}
