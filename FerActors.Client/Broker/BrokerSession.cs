using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Client.Broker;

/// <summary>What became of a publication.</summary>
internal enum Publication
{
    Confirmed,

    /// <summary>The broker's queue takes no more.</summary>
    Refused,

    /// <summary>No queue has the name.</summary>
    Unroutable,

    /// <summary>The session ended before the broker said anything: it may have the message or not.</summary>
    Unknown,
}

/// <summary>One connection from its opening to its loss: publications with confirms, and replies on a queue that goes with it.</summary>
internal sealed class BrokerSession : IAsyncDisposable
{
    private const string DirectReplyTo = "amq.rabbitmq.reply-to";

    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly BrokerSettings _settings;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _broken = new();
    private readonly TaskCompletionSource<SessionEnd> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _flows = Completed();

    private BrokerSession(IConnection connection, IChannel channel, BrokerSettings settings, TimeProvider clock)
    {
        _connection = connection;
        _channel = channel;
        _settings = settings;
        _clock = clock;
        channel.ChannelShutdownAsync += (_, args) => End(SessionEnd.Of(args));
        connection.ConnectionBlockedAsync += (_, args) =>
        {
            BlockedBecause = args.Reason;
            _flows = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            BlockedBecause = null;
            _flows.TrySetResult();
            return Task.CompletedTask;
        };
    }

    /// <summary>Where replies are wanted.</summary>
    public string ReplyQueue { get; private set; } = DirectReplyTo;

    /// <summary>Set once the session has ended.</summary>
    public Task<SessionEnd> Closed => _closed.Task;

    /// <summary>Set once the link does not offer this session any more.</summary>
    public Task Over => _over.Task;

    /// <summary>The broker's reason to take nothing for now; absent where it takes messages.</summary>
    public string? BlockedBecause { get; private set; }

    /// <summary>Set while the broker takes messages.</summary>
    public Task Flows => _flows.Task;

    /// <summary>Whether the broker has confirmed anything: the next failure then begins with a short wait again.</summary>
    public bool WasUseful { get; private set; }

    /// <summary>Opens the channel and the reply queue.</summary>
    /// <inheritdoc cref="BrokerConnector.OpenAsync"/>
    public static async Task<BrokerSession> OpenAsync(
        IConnection connection,
        BrokerSettings settings,
        Action<string, ReadOnlyMemory<byte>> onReply,
        TimeProvider clock,
        CancellationToken cancellation)
    {
        // One channel for both ways, since direct replies come to the channel that asks. Requests in flight are bounded elsewhere.
        var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(
                publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null),
            cancellation).ConfigureAwait(false);
        var session = new BrokerSession(connection, channel, settings, clock);
        if (settings.ReplyQueuePrefix is { } prefix)
        {
            var queue = await channel.QueueDeclareAsync(
                $"{prefix}{Guid.NewGuid():N}", durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellation).ConfigureAwait(false);
            session.ReplyQueue = queue.QueueName;
        }

        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            onReply(delivery.BasicProperties.CorrelationId ?? "", delivery.Body);
            return Task.CompletedTask;
        };
        consumer.UnregisteredAsync += (_, _) => session.End(new SessionEnd("the reply queue was deleted"));
        await channel.BasicConsumeAsync(session.ReplyQueue, autoAck: true, consumer, cancellation).ConfigureAwait(false);
        return session;
    }

    /// <summary>Publishes through the default exchange, and waits for the broker's word as long as the session lives.</summary>
    /// <param name="queue">Where it goes.</param>
    /// <param name="properties">Its properties.</param>
    /// <param name="body">Its body.</param>
    public async Task<Publication> PublishAsync(string queue, BasicProperties properties, ReadOnlyMemory<byte> body)
    {
        try
        {
            // Nobody's cancellation but the session's own: a publication that is given up half-way would put the count of confirms out.
            var confirm = _channel.BasicPublishAsync("", queue, mandatory: true, properties, body, _broken.Token).AsTask();
            while (!confirm.IsCompleted)
            {
                try
                {
                    await confirm.WaitAsync(_settings.ConfirmTimeout, _clock).ConfigureAwait(false);
                }
                catch (TimeoutException) when (!confirm.IsCompleted)
                {
                    // An alarm may last, and the message is not lost meanwhile.
                    if (BlockedBecause is null)
                    {
                        await End(new SessionEnd($"the broker did not confirm an image within {_settings.ConfirmTimeout}")).ConfigureAwait(false);
                    }
                }
            }

            await confirm.ConfigureAwait(false);
            WasUseful = true;
            return Publication.Confirmed;
        }
        catch (PublishException e)
        {
            WasUseful = true;
            return e.IsReturn ? Publication.Unroutable : Publication.Refused;
        }
        catch (Exception e)
        {
            await End(new SessionEnd(e.Message)).ConfigureAwait(false);
            return Publication.Unknown;
        }
    }

    /// <summary>The link's word that it offers this session no more.</summary>
    public void Withdraw() => _over.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await End(new SessionEnd("this client closed it")).ConfigureAwait(false);
        try
        {
            // A broker with an alarm does not read what closes the connection either.
            await _connection.CloseAsync(Constants.ReplySuccess, "closed by the client", _settings.ConnectTimeout, abort: true).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone already.
        }

        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }

    private async Task End(SessionEnd end)
    {
        if (_closed.TrySetResult(end))
        {
            await _broken.CancelAsync().ConfigureAwait(false);
        }
    }
}
