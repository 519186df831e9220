using FerActors.Host.Broker;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;

namespace FerActors.Host.Tests.EndToEnd;

/// <summary>Queues of their own for one node on the shared broker, and a client before them.</summary>
internal sealed class NodeQueues : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(3);

    private readonly NodeData _data = new();

    private NodeQueues(PublisherClient client, RabbitMqOptions options)
    {
        Client = client;
        Options = options;
    }

    public PublisherClient Client { get; private set; }

    public RabbitMqOptions Options { get; }

    /// <summary>What names these queues, for <c>--set</c>.</summary>
    public string[] Settings =>
    [
        $"RabbitMq:Uri={Options.Uri}",
        $"RabbitMq:ImagesQueue={Options.ImagesQueue}",
        $"RabbitMq:ResultsQueue={Options.ResultsQueue}",
        $"RabbitMq:DeadLetterQueue={Options.DeadLetterQueue}",
        $"RabbitMq:FeedbackQueue={Options.FeedbackQueue}",
        $"RabbitMq:FeedbackDeadLetterQueue={Options.FeedbackDeadLetterQueue}",
        $"RabbitMq:DeadLetterExchange={Options.DeadLetterExchange}",
    ];

    /// <summary>The same as arguments of a command.</summary>
    public string[] Arguments => [.. Settings.SelectMany(setting => new[] { "--set", setting })];

    /// <summary>The rest that a node needs: the shipped model, the detector, and a place for what it keeps.</summary>
    public string[] NodeArguments =>
    [
        .. Arguments,
        "--set", $"Model:Path={Surroundings.ShippedModel}",
        "--set", $"Detection:ModelFolders:0={Surroundings.Shared("models")}",
        .. _data.Settings.SelectMany(setting => new[] { "--set", setting }),
    ];

    public static async Task<NodeQueues> DeclareAsync(BrokerNode broker)
    {
        var suffix = Guid.NewGuid().ToString("N")[..8];
        var options = new RabbitMqOptions
        {
            Uri = broker.Uri!,
            ImagesQueue = $"fer.images.{suffix}",
            ResultsQueue = $"fer.results.{suffix}",
            DeadLetterQueue = $"fer.dead.{suffix}",
            FeedbackQueue = $"fer.feedback.{suffix}",
            FeedbackDeadLetterQueue = $"fer.feedback.dead.{suffix}",
            DeadLetterExchange = $"fer.dlx.{suffix}",
        };
        var client = await PublisherClient.ConnectAsync(options.Uri);
        await RabbitTopology.DeclareAsync(client.Channel, options);
        return new NodeQueues(client, options);
    }

    public Task PublishAsync(string id, byte[] body, bool aligned = false) => Client.PublishAsync(Options.ImagesQueue, body, properties =>
    {
        properties.MessageId = id;
        properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Aligned] = aligned ? "true" : "false" };
    });

    /// <summary>The next results. The node that makes them may just be starting, and loads its model first.</summary>
    public async Task<List<ClassificationResult>> ResultsAsync(int count)
    {
        var results = new List<ClassificationResult>();
        while (results.Count < count)
        {
            results.Add(ResultJson.Deserialize((await Client.NextAsync(Options.ResultsQueue, StartPatience)).Body));
        }

        return results;
    }

    public async ValueTask DisposeAsync()
    {
        // A spec may have stopped the broker in between.
        if (Client.Channel.IsClosed)
        {
            await Client.DisposeAsync();
            Client = await PublisherClient.ConnectAsync(Options.Uri);
        }

        string[] queues = [Options.ImagesQueue, Options.ResultsQueue, Options.DeadLetterQueue, Options.FeedbackQueue, Options.FeedbackDeadLetterQueue];
        foreach (var queue in queues)
        {
            await Client.Channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false);
        }

        await Client.Channel.ExchangeDeleteAsync(Options.DeadLetterExchange);
        await Client.DisposeAsync();
        _data.Dispose();
    }
}
