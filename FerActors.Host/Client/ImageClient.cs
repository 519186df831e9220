using System.Threading.Channels;
using FerActors.Host.Broker;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.Client;

/// <summary>A client of the queue contract: publishes images, each with a confirm, and receives their results on a queue of its own.</summary>
/// <remarks>It uses nothing of the node but the contract, so that it is also the example of how to write one.</remarks>
public sealed class ImageClient : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly IChannel _publishing;
    private readonly IChannel _consuming;
    private readonly string _imagesQueue;
    private readonly TimeSpan _timeout;
    private readonly Channel<ClassificationResult> _results = Channel.CreateUnbounded<ClassificationResult>();

    private ImageClient(IConnection connection, IChannel publishing, IChannel consuming, string replyQueue, RabbitMqOptions options)
    {
        _connection = connection;
        _publishing = publishing;
        _consuming = consuming;
        _imagesQueue = options.ImagesQueue;
        _timeout = options.PublishTimeout;
        ReplyQueue = replyQueue;
    }

    /// <summary>The queue on which results arrive; it goes with the client.</summary>
    public string ReplyQueue { get; }

    /// <summary>Connects, makes sure that the queues exist, and begins to receive.</summary>
    /// <exception cref="IOException">There is no connection; says why, and names the broker without the password.</exception>
    public static async Task<ImageClient> ConnectAsync(RabbitMqOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        var connection = await BrokerConnection.OpenAsync(options, "client", cancellation);
        try
        {
            var publishing = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), cancellation);
            var consuming = await connection.CreateChannelAsync(cancellationToken: cancellation);
            await RabbitTopology.DeclareAsync(consuming, options, cancellation);
            var reply = await consuming.QueueDeclareAsync(
                $"fer.reply.{Guid.NewGuid():N}", durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellation);
            var client = new ImageClient(connection, publishing, consuming, reply.QueueName, options);
            var consumer = new AsyncEventingBasicConsumer(consuming);
            consumer.ReceivedAsync += client.ReceiveAsync;
            consumer.ShutdownAsync += (_, reason) =>
            {
                client._results.Writer.TryComplete(new IOException($"The broker closed the connection: {reason.ReplyText}"));
                return Task.CompletedTask;
            };
            await consuming.BasicConsumeAsync(reply.QueueName, autoAck: true, consumer, cancellation);
            return client;
        }
        catch (OperationInterruptedException e)
        {
            // The broker lets a client in before it looks at its virtual host and its rights.
            await connection.DisposeAsync();
            throw new IOException(BrokerFault.Describe(new Uri(options.Uri), e), e);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes one image; returns once the broker has confirmed it.</summary>
    /// <param name="image">The encoded image.</param>
    /// <param name="messageId">Its id, by which the result is recognised.</param>
    /// <param name="headers">Headers of the contract.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task PublishAsync(
        ReadOnlyMemory<byte> image, string messageId, IReadOnlyDictionary<string, string> headers, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(headers);
        var properties = new BasicProperties
        {
            MessageId = messageId,
            ReplyTo = ReplyQueue,
            DeliveryMode = DeliveryModes.Persistent,
            Headers = headers.ToDictionary(h => h.Key, h => (object?)h.Value),
        };
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(_timeout);
        try
        {
            await _publishing.BasicPublishAsync("", _imagesQueue, mandatory: true, properties, image, bounded.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"The broker did not confirm an image within {_timeout.TotalSeconds:0} s.");
        }
    }

    /// <summary>The next result.</summary>
    /// <exception cref="TimeoutException">None came in time.</exception>
    public async Task<ClassificationResult> ReceiveAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(timeout);
        try
        {
            return await _results.Reader.ReadAsync(bounded.Token);
        }
        catch (ChannelClosedException e) when (e.InnerException is { } cause)
        {
            throw new IOException(cause.Message, cause);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"No result came within {timeout.TotalSeconds:0} s. Does a node run (fer host) on this broker?");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _consuming.DisposeAsync();
        await _publishing.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private Task ReceiveAsync(object sender, BasicDeliverEventArgs delivery)
    {
        _results.Writer.TryWrite(ResultJson.Deserialize(delivery.Body.Span));
        return Task.CompletedTask;
    }
}
