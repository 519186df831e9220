using System.Security.Cryptography;
using Akka.Actor;
using FerActors.Inference.Pipeline;
using RabbitMQ.Client;

namespace FerActors.Host.Intake;

/// <summary>
/// Hands deliveries to an actor. The client reuses the body's buffer after the handler returns, so the body is copied, unless
/// it is over the limit: then only its hash is taken.
/// </summary>
/// <param name="channel">The channel that delivers.</param>
/// <param name="session">The session of the deliveries.</param>
/// <param name="maxBodyBytes">A longer body is not handed over.</param>
/// <param name="target">Gets <see cref="RawDelivery"/>, <see cref="DeliveryUnreadable"/>, <see cref="ConsumerCancelled"/> and <see cref="ConsumerEnded"/>.</param>
/// <param name="clock">The clock.</param>
/// <param name="late">
/// This is the channel's default consumer. A quorum queue may have sent deliveries that the channel's process has not yet passed on
/// when it confirms a cancellation; they follow the confirmation, under a tag that the client has forgotten by then.
/// </param>
internal sealed class DeliveryConsumer(IChannel channel, long session, int maxBodyBytes, IActorRef target, TimeProvider clock, bool late)
    : AsyncDefaultBasicConsumer(channel)
{
    public override Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default)
    {
        try
        {
            target.Tell(Copy(deliveryTag, redelivered, properties, body));
        }
        catch (Exception e)
        {
            // The client library would only report it, and the message would wait unsettled for ever.
            target.Tell(new DeliveryUnreadable(session, $"a delivery cannot be copied: {e.Message}"));
        }

        return Task.CompletedTask;
    }

    private RawDelivery Copy(ulong deliveryTag, bool redelivered, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var fits = body.Length <= maxBodyBytes;
        return new RawDelivery(
            new DeliveryKey(session, deliveryTag),
            redelivered,
            properties.IsMessageIdPresent() ? properties.MessageId : null,
            properties.IsCorrelationIdPresent() ? properties.CorrelationId : null,
            properties.IsReplyToPresent() ? properties.ReplyTo : null,
            properties.IsHeadersPresent() && properties.Headers is { } headers ? new Dictionary<string, object?>(headers) : new Dictionary<string, object?>(),
            fits ? body.ToArray() : ReadOnlyMemory<byte>.Empty,
            body.Length,
            fits ? null : SHA256.HashData(body.Span),
            clock.GetUtcNow(),
            new BasicProperties(properties));
    }

    // Sent by the broker alone: the queue was deleted, or its leader went away.
    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        target.Tell(new ConsumerCancelled(session));
        return base.HandleBasicCancelAsync(consumerTag, cancellationToken);
    }

    // As the channel's default consumer it hears of a tag that is not consumed any more: the marker behind the late deliveries. The
    // client calls the handlers in the order of the frames, so nothing comes after it.
    public override async Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        await base.HandleBasicCancelOkAsync(consumerTag, cancellationToken).ConfigureAwait(false);
        if (late)
        {
            target.Tell(new ConsumerEnded(session, consumerTag));
        }
    }
}
