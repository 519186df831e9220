using FerActors.Host.Broker;
using FerActors.Shared.Options;
using RabbitMQ.Client;

namespace FerActors.Host.Feedback;

/// <summary>Declares the queues of feedback.</summary>
internal static class FeedbackTopology
{
    /// <summary>Arguments of the feedback queue. One node at a time takes from it, so that the accuracy is over all feedback and not a part of it.</summary>
    public static IDictionary<string, object?> Arguments(RabbitMqOptions options) => new Dictionary<string, object?>
    {
        ["x-queue-type"] = "quorum",
        ["x-single-active-consumer"] = true,
        ["x-delivery-limit"] = options.DeliveryLimit,
        ["x-dead-letter-exchange"] = options.DeadLetterExchange,
        ["x-dead-letter-routing-key"] = options.FeedbackDeadLetterQueue,
        ["x-dead-letter-strategy"] = "at-least-once",
        ["x-overflow"] = "reject-publish",
    };

    /// <summary>Declares the dead-letter side first, so that no message ever lacks its way out.</summary>
    /// <exception cref="TopologyMismatchException">One of them exists with other arguments; the channel is closed then.</exception>
    public static async Task DeclareAsync(IChannel channel, RabbitMqOptions options, CancellationToken cancellation)
    {
        await RabbitTopology.DeclareDeadLettersAsync(channel, options, options.FeedbackDeadLetterQueue, cancellation).ConfigureAwait(false);
        await RabbitTopology.DeclareQueueAsync(channel, options.FeedbackQueue, Arguments(options), cancellation).ConfigureAwait(false);
    }
}
