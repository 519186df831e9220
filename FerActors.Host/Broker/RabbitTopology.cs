using FerActors.Shared.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.Broker;

/// <summary>Declares the queues of the contract. Declaring what exists with the same arguments changes nothing, so every session does it.</summary>
public static class RabbitTopology
{
    /// <summary>The header of a dead letter that says why it is one.</summary>
    public const string ReasonHeader = "x-fer-reason";

    private const ushort PreconditionFailed = 406;

    /// <summary>Arguments of the images queue. Kept to what RabbitMQ 3.10 and 4.x both know.</summary>
    public static IDictionary<string, object?> ImagesArguments(RabbitMqOptions options) => new Dictionary<string, object?>
    {
        ["x-queue-type"] = "quorum",
        ["x-delivery-limit"] = options.DeliveryLimit,
        ["x-dead-letter-exchange"] = options.DeadLetterExchange,
        ["x-dead-letter-routing-key"] = options.DeadLetterQueue,
        // The broker keeps a dead letter until the dead-letter queue has confirmed it; it asks for reject-publish beside it.
        ["x-dead-letter-strategy"] = "at-least-once",
        ["x-overflow"] = "reject-publish",
    };

    public static IDictionary<string, object?> ResultsArguments() => new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };

    public static IDictionary<string, object?> DeadLetterArguments(RabbitMqOptions options)
    {
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };
        if (options.DeadLetterMessageTtl > TimeSpan.Zero)
        {
            arguments["x-message-ttl"] = (long)options.DeadLetterMessageTtl.TotalMilliseconds;
        }

        return arguments;
    }

    /// <summary>Declares everything.</summary>
    /// <exception cref="TopologyMismatchException">One of them exists with other arguments; the channel is closed then.</exception>
    public static async Task DeclareAsync(IChannel channel, RabbitMqOptions options, CancellationToken cancellation = default)
    {
        await DeclareResultsAsync(channel, options, cancellation).ConfigureAwait(false);
        await DeclareIntakeAsync(channel, options, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Declares the results queue. The publisher declares this part and the consumer the other: RabbitMQ 3.10 answers two
    /// connections that first declare the same quorum queue in the same moment with an internal error.
    /// </summary>
    /// <exception cref="TopologyMismatchException">It exists with other arguments; the channel is closed then.</exception>
    public static Task DeclareResultsAsync(IChannel channel, RabbitMqOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(options);
        return DeclareQueueAsync(channel, options.ResultsQueue, ResultsArguments(), cancellation);
    }

    /// <summary>Declares the images queue and its dead-letter side, this first, so that no message ever lacks its way out.</summary>
    /// <exception cref="TopologyMismatchException">One of them exists with other arguments; the channel is closed then.</exception>
    public static async Task DeclareIntakeAsync(IChannel channel, RabbitMqOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(options);
        await DeclareDeadLettersAsync(channel, options, options.DeadLetterQueue, cancellation).ConfigureAwait(false);
        await DeclareQueueAsync(channel, options.ImagesQueue, ImagesArguments(options), cancellation).ConfigureAwait(false);
    }

    /// <summary>Declares a queue for dead letters and its way there.</summary>
    /// <exception cref="TopologyMismatchException">One of them exists with other arguments; the channel is closed then.</exception>
    internal static async Task DeclareDeadLettersAsync(IChannel channel, RabbitMqOptions options, string queue, CancellationToken cancellation)
    {
        await DeclareAsync("exchange", options.DeadLetterExchange, () => channel.ExchangeDeclareAsync(
            options.DeadLetterExchange, ExchangeType.Direct, durable: true, autoDelete: false, cancellationToken: cancellation)).ConfigureAwait(false);
        await DeclareQueueAsync(channel, queue, DeadLetterArguments(options), cancellation).ConfigureAwait(false);
        await channel.QueueBindAsync(queue, options.DeadLetterExchange, queue, cancellationToken: cancellation).ConfigureAwait(false);
    }

    /// <summary>Declares a durable queue.</summary>
    /// <exception cref="TopologyMismatchException">It exists with other arguments; the channel is closed then.</exception>
    internal static Task DeclareQueueAsync(
        IChannel channel, string queue, IDictionary<string, object?> arguments, CancellationToken cancellation) =>
        DeclareAsync("queue", queue, () => channel.QueueDeclareAsync(
            queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellation));

    private static async Task DeclareAsync(string kind, string name, Func<Task> declare)
    {
        try
        {
            await declare().ConfigureAwait(false);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == PreconditionFailed)
        {
            throw new TopologyMismatchException(
                $"The {kind} '{name}' exists with other arguments than these options ask for. The broker says: {e.ShutdownReason.ReplyText}. "
                + $"Either set the options to what the {kind} has (or {nameof(RabbitMqOptions.DeclareTopology)} to false), or empty it, "
                + $"delete it (for a queue: rabbitmqctl delete_queue {name}) and let FerActors declare it again.",
                e);
        }
    }
}
