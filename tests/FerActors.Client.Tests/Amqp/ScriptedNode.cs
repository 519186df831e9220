using System.Threading.Channels;
using FerActors.Shared.Protocol;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FerActors.Client.Tests.Amqp;

/// <summary>Stands for the nodes: has a queue of images of its own, and answers when the spec says so.</summary>
internal sealed class ScriptedNode : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly Channel<Asked> _asked = System.Threading.Channels.Channel.CreateUnbounded<Asked>();

    private ScriptedNode(IConnection connection, IChannel channel)
    {
        _connection = connection;
        _channel = channel;
    }

    public string Queue { get; } = $"fer.images.{Guid.NewGuid():N}";

    public IChannel Channel => _channel;

    /// <summary>Connects; the queue is there once it takes or declares.</summary>
    public static async Task<ScriptedNode> ConnectAsync(string uri)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(uri), AutomaticRecoveryEnabled = false }.CreateConnectionAsync("scripted-node");
        return new ScriptedNode(connection, await connection.CreateChannelAsync());
    }

    public static async Task<ScriptedNode> StartAsync(string uri)
    {
        var node = await ConnectAsync(uri);
        await node.DeclareAsync();
        await node.TakeAsync();
        return node;
    }

    public Task DeclareAsync(params (string Name, object Value)[] arguments) => _channel.QueueDeclareAsync(
        Queue, durable: true, exclusive: false, autoDelete: false, arguments.ToDictionary(a => a.Name, a => (object?)a.Value));

    public async Task TakeAsync()
    {
        var consumer = new AsyncEventingBasicConsumer(_channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            _asked.Writer.TryWrite(new Asked(new BasicProperties(delivery.BasicProperties), delivery.Body.ToArray()));
            return Task.CompletedTask;
        };
        await _channel.BasicConsumeAsync(Queue, autoAck: true, consumer);
    }

    public async Task<Asked> NextAsync()
    {
        using var bound = new CancellationTokenSource(Patience);
        return await _asked.Reader.ReadAsync(bound.Token);
    }

    public async Task<List<Asked>> NextAsync(int count)
    {
        var all = new List<Asked>();
        while (all.Count < count)
        {
            all.Add(await NextAsync());
        }

        return all;
    }

    /// <summary>Whether an image has come that nobody has looked at.</summary>
    public bool HasMore => _asked.Reader.TryPeek(out _);

    public Task AnswerAsync(Asked asked, string? error = null) => AnswerAsync(asked, ResultJson.Serialize(Result(asked, error)));

    public async Task AnswerAsync(Asked asked, byte[] body) => await _channel.BasicPublishAsync(
        "", asked.Properties.ReplyTo!, mandatory: false, new BasicProperties { CorrelationId = asked.Properties.CorrelationId }, body);

    /// <summary>Answers everything, in another task.</summary>
    public void AnswerAll() => _ = Task.Run(async () =>
    {
        await foreach (var asked in _asked.Reader.ReadAllAsync())
        {
            await AnswerAsync(asked);
        }
    });

    public async ValueTask DisposeAsync()
    {
        _asked.Writer.TryComplete();
        if (_channel.IsOpen)
        {
            await _channel.QueueDeleteAsync(Queue);
        }

        await _connection.DisposeAsync();
    }

    private static ClassificationResult Result(Asked asked, string? error) => new()
    {
        MessageId = asked.Properties.MessageId!,
        CorrelationId = asked.Properties.CorrelationId,
        Node = "scripted",
        Image = new ImageInfo(asked.Body.Length, 1, "jpeg"),
        Error = error is null ? null : new ErrorDetail(error, "A sentence."),
    };
}

/// <summary>An image as it came to a node.</summary>
internal sealed record Asked(BasicProperties Properties, byte[] Body)
{
    public string Text(string header) => System.Text.Encoding.UTF8.GetString((byte[])Properties.Headers![header]!);
}
