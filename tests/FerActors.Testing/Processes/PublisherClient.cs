using System.Collections.Concurrent;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FerActors.Testing.Processes;

/// <summary>What a user of the queue contract does: publish images with confirms, read results.</summary>
public sealed class PublisherClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Channel<Received>> _inboxes = [];
    private readonly IConnection _connection;

    private PublisherClient(IConnection connection, IChannel channel)
    {
        _connection = connection;
        Channel = channel;
    }

    public IChannel Channel { get; }

    public static async Task<PublisherClient> ConnectAsync(string uri)
    {
        var factory = new ConnectionFactory { Uri = new Uri(uri), AutomaticRecoveryEnabled = false };
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var connection = await factory.CreateConnectionAsync("fer-test");
                return new PublisherClient(connection, await connection.CreateChannelAsync(new CreateChannelOptions(true, true)));
            }
            catch (RabbitMQ.Client.Exceptions.BrokerUnreachableException) when (attempt < 5)
            {
                // A node that was just started takes connections a moment before it serves them.
            }
        }
    }

    public async Task PublishAsync(string queue, byte[] body, Action<BasicProperties>? properties = null)
    {
        var basic = new BasicProperties { DeliveryMode = DeliveryModes.Persistent };
        properties?.Invoke(basic);
        using var bound = new CancellationTokenSource(Patience);
        await Channel.BasicPublishAsync("", queue, mandatory: true, basic, body, bound.Token);
    }

    /// <summary>The next message of a queue, acknowledged.</summary>
    /// <param name="queue">The queue; from the first call on its messages come to this client.</param>
    /// <param name="patience">How long to wait where 30 s are too short, as for a process that first has to start.</param>
    public async Task<Received> NextAsync(string queue, TimeSpan? patience = null)
    {
        var inbox = await InboxAsync(queue);
        using var bound = new CancellationTokenSource(patience ?? Patience);
        return await inbox.Reader.ReadAsync(bound.Token);
    }

    public async Task<IReadOnlyList<Received>> TakeAsync(string queue, int count)
    {
        var taken = new List<Received>();
        while (taken.Count < count)
        {
            taken.Add(await NextAsync(queue));
        }

        return taken;
    }

    /// <summary>What comes to this channel as direct replies.</summary>
    public async Task<ChannelReader<Received>> DirectRepliesAsync()
    {
        var inbox = System.Threading.Channels.Channel.CreateUnbounded<Received>();
        var consumer = new AsyncEventingBasicConsumer(Channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            inbox.Writer.TryWrite(new Received(new BasicProperties(delivery.BasicProperties), delivery.Body.ToArray()));
            return Task.CompletedTask;
        };
        await Channel.BasicConsumeAsync("amq.rabbitmq.reply-to", autoAck: true, consumer);
        return inbox.Reader;
    }

    public async ValueTask DisposeAsync() => await _connection.DisposeAsync();

    private async Task<Channel<Received>> InboxAsync(string queue)
    {
        if (_inboxes.TryGetValue(queue, out var known))
        {
            return known;
        }

        var inbox = System.Threading.Channels.Channel.CreateUnbounded<Received>();
        var consumer = new AsyncEventingBasicConsumer(Channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            inbox.Writer.TryWrite(new Received(new BasicProperties(delivery.BasicProperties), delivery.Body.ToArray()));
            return Task.CompletedTask;
        };
        await Channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        _inboxes[queue] = inbox;
        return inbox;
    }
}

public sealed record Received(BasicProperties Properties, byte[] Body);
