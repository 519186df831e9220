using System.Globalization;
using FerActors.Host.Tests.Brokers;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Protocol;

namespace FerActors.Cluster.Tests;

/// <summary>
/// A stream of images with a fixed number of them unanswered, at whatever speed the cluster has: each first answer lets one more image
/// in. It keeps every outcome by message id.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private const int Unanswered = 96;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly NodeQueues _queues;
    private readonly PublisherClient _publisher;
    private readonly byte[] _picture = Surroundings.Picture(".png", side: 48);
    private readonly Dictionary<string, List<ClassificationResult>> _outcomes = [];
    private int _published;

    private Load(NodeQueues queues, PublisherClient publisher) => (_queues, _publisher) = (queues, publisher);

    public int Published => _published;

    /// <summary>Outcomes by message id, in the order of their arrival.</summary>
    public IReadOnlyDictionary<string, List<ClassificationResult>> Outcomes => _outcomes;

    public static async Task<Load> StartAsync(NodeQueues queues)
    {
        var load = new Load(queues, await PublisherClient.ConnectAsync(queues.Options.Uri));
        for (var i = 0; i < Unanswered; i++)
        {
            await load.PublishAsync();
        }

        return load;
    }

    /// <summary>Goes on until the condition holds.</summary>
    public async Task RunAsync(Func<bool> until)
    {
        while (!until())
        {
            if (await ReceiveAsync())
            {
                await PublishAsync();
            }
        }
    }

    /// <summary>Publishes no more and waits for what is unanswered.</summary>
    public async Task FinishAsync()
    {
        while (_outcomes.Count < _published)
        {
            await ReceiveAsync();
        }
    }

    public ValueTask DisposeAsync() => _publisher.DisposeAsync();

    private async Task PublishAsync()
    {
        var id = _published.ToString(CultureInfo.InvariantCulture);
        await _publisher.PublishAsync(_queues.Options.ImagesQueue, _picture, properties =>
        {
            properties.MessageId = id;
            properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Aligned] = "true" };
        });
        _published++;
    }

    /// <returns>It is the first outcome of its message.</returns>
    private async Task<bool> ReceiveAsync()
    {
        var result = ResultJson.Deserialize((await _queues.Client.NextAsync(_queues.Options.ResultsQueue, Patience)).Body);
        if (_outcomes.TryGetValue(result.MessageId, out var earlier))
        {
            earlier.Add(result);
            return false;
        }

        _outcomes[result.MessageId] = [result];
        return true;
    }
}
