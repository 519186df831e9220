using FerActors.Host.Broker;
using FerActors.Host.Client;
using FerActors.Shared.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.DeadLetters;

/// <summary>
/// The dead letters of images or of feedback, for who has to look at them. A message leaves the queue by an acknowledgement alone, which
/// follows the broker's confirm where the message goes elsewhere: a death in between leaves it twice and never nowhere.
/// </summary>
internal sealed class DeadLetterQueue : IAsyncDisposable
{
    /// <summary>
    /// A message that was taken back so often is replaced by its copy. From RabbitMQ 4.0 on a quorum queue drops what was taken back more
    /// than 20 times, where nothing else is set, and each look takes everything back.
    /// </summary>
    internal const int MostReturns = 10;

    private const ushort NotFound = 404;

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly IConnection _connection;
    private readonly IChannel _reading;
    private readonly ConfirmingChannel _publishing;
    private readonly RabbitMqOptions _options;
    private readonly TaskCompletionSource<ShutdownEventArgs> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DeadLetterQueue(IConnection connection, IChannel reading, ConfirmingChannel publishing, RabbitMqOptions options, bool feedback, uint waiting)
    {
        (_connection, _reading, _publishing, _options) = (connection, reading, publishing, options);
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            _ended.TrySetResult(reason);
            return Task.CompletedTask;
        };
        (Name, Origin, Waiting) = (NameOf(options, feedback), feedback ? options.FeedbackQueue : options.ImagesQueue, waiting);
    }

    /// <summary>The queue's name.</summary>
    public string Name { get; }

    /// <summary>The queue to which its messages go back.</summary>
    public string Origin { get; }

    /// <summary>Messages that lay here at the beginning, without those that somebody else holds.</summary>
    public uint Waiting { get; }

    /// <summary>Connects; declares nothing.</summary>
    /// <exception cref="IOException">There is no connection or no such queue; says why.</exception>
    public static async Task<DeadLetterQueue> OpenAsync(RabbitMqOptions options, bool feedback, CancellationToken cancellation)
    {
        var connection = await BrokerConnection.OpenAsync(options, "dead-letters", cancellation).ConfigureAwait(false);
        try
        {
            var reading = await connection.CreateChannelAsync(cancellationToken: cancellation).ConfigureAwait(false);
            var waiting = await reading.MessageCountAsync(NameOf(options, feedback), cancellation).ConfigureAwait(false);
            return new DeadLetterQueue(
                connection, reading, await ConfirmingChannel.OpenAsync(connection, cancellation).ConfigureAwait(false), options, feedback, waiting);
        }
        catch (OperationInterruptedException e)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw new IOException(
                e.ShutdownReason?.ReplyCode == NotFound
                    ? $"There is no queue '{NameOf(options, feedback)}' on the broker; see RabbitMq:{(feedback ? nameof(RabbitMqOptions.FeedbackDeadLetterQueue) : nameof(RabbitMqOptions.DeadLetterQueue))}."
                    : BrokerFault.Describe(new Uri(options.Uri), e),
                e);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Goes through the messages that lay here at the beginning, the oldest first. What is not taken stays.</summary>
    /// <param name="take">Says of each whether it leaves the queue; where it goes elsewhere, it is there already.</param>
    /// <param name="cancellation">Ends the walk between two messages.</param>
    /// <exception cref="IOException">The connection ended, or a message cannot be read or put anywhere; says what is left.</exception>
    public async Task WalkAsync(Func<DeadLetter, Task<DeadLetterStep>> take, CancellationToken cancellation)
    {
        for (var seen = 0u; seen < Waiting; seen++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (await NextAsync(seen, cancellation).ConfigureAwait(false) is not { } letter)
            {
                return;
            }

            var step = await take(letter).ConfigureAwait(false);
            if (step is DeadLetterStep.Keep or DeadLetterStep.KeepAndEnd && letter.Returned >= MostReturns)
            {
                await PublishAsync(Name, letter.ForRenewal(DateTimeOffset.UtcNow, _options.DeadLetterMessageTtl), letter).ConfigureAwait(false);
                step = step == DeadLetterStep.Keep ? DeadLetterStep.Remove : DeadLetterStep.KeepAndEnd;
                await AcknowledgeAsync(letter).ConfigureAwait(false);
            }
            else if (step == DeadLetterStep.Remove)
            {
                await AcknowledgeAsync(letter).ConfigureAwait(false);
            }

            if (step == DeadLetterStep.KeepAndEnd)
            {
                return;
            }
        }
    }

    /// <summary>Sends a message back to where it came from; returns once the broker has it there.</summary>
    /// <param name="letter">The message.</param>
    /// <param name="withoutReplyTo">The result shall go to the default queue for results.</param>
    /// <exception cref="IOException">The broker does not take it; it stays here.</exception>
    public Task RequeueAsync(DeadLetter letter, bool withoutReplyTo) => PublishAsync(Origin, letter.ForRequeue(withoutReplyTo), letter);

    /// <summary>Deletes everything that nobody holds, also what cannot be read.</summary>
    /// <returns>How many messages there were.</returns>
    public async Task<uint> PurgeAsync(CancellationToken cancellation)
    {
        try
        {
            return await _reading.QueuePurgeAsync(Name, cancellation).ConfigureAwait(false);
        }
        catch (OperationInterruptedException e)
        {
            throw new IOException($"The broker does not let '{Name}' be purged: {e.ShutdownReason?.ReplyText}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The broker reads the acknowledgements before the end of their channel, and answers that.
        if (_connection.IsOpen)
        {
            await QuietlyAsync(_reading.CloseAsync()).ConfigureAwait(false);
            await QuietlyAsync(_connection.CloseAsync(200, "done", CloseTimeout, abort: true, CancellationToken.None)).ConfigureAwait(false);
        }

        await QuietlyAsync(_connection.DisposeAsync().AsTask()).ConfigureAwait(false);
    }

    private static string NameOf(RabbitMqOptions options, bool feedback) => feedback ? options.FeedbackDeadLetterQueue : options.DeadLetterQueue;

    // A connection that the client library has given up may never say that it is closed.
    private static async Task QuietlyAsync(Task close)
    {
        try
        {
            await close.WaitAsync(CloseTimeout).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    private async Task<DeadLetter?> NextAsync(uint seen, CancellationToken cancellation)
    {
        // Where the client library cannot read the answer, it ends the connection and leaves the question open.
        var get = _reading.BasicGetAsync(Name, autoAck: false, cancellation);
        if (await Task.WhenAny(get, _ended.Task).ConfigureAwait(false) == get && get.IsCompletedSuccessfully)
        {
            return await get.ConfigureAwait(false) is { } got ? new DeadLetter(got.DeliveryTag, got.BasicProperties, got.Body) : null;
        }

        cancellation.ThrowIfCancellationRequested();
        _ = get.ContinueWith(late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        var end = _ended.Task.IsCompleted
            ? SessionEnd.Of(await _ended.Task.ConfigureAwait(false))
            : new SessionEnd(get.Exception?.GetBaseException().Message ?? "no reason is given", Unreadable: false);
        throw new IOException(
            end.Unreadable
                ? $"The message behind the first {seen} of '{Name}' cannot be read by the client library, and nothing behind it can be seen. "
                    + "'fer dead-letter purge --yes' deletes it with all others; a shovel of the broker can move them elsewhere first."
                : $"The broker ended the connection after {seen} messages of '{Name}': {end.Reason}.");
    }

    private async Task PublishAsync(string queue, BasicProperties properties, DeadLetter letter)
    {
        var ending = await _publishing.PublishAsync(
            queue, mandatory: true, properties, letter.Body, _options.PublishTimeout, CancellationToken.None).ConfigureAwait(false);
        if (ending.End != PublishEnd.Confirmed)
        {
            throw new IOException(
                $"The broker does not take the dead letter '{UntrustedId(letter)}' into '{queue}': {ending.Reason}. It and those behind it stay in '{Name}'.");
        }
    }

    private async Task AcknowledgeAsync(DeadLetter letter)
    {
        try
        {
            await _reading.BasicAckAsync(letter.Tag, multiple: false, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is RabbitMQClientException or ObjectDisposedException)
        {
            throw new IOException($"The connection ended before '{UntrustedId(letter)}' could be taken out of '{Name}': the message may be in both queues now.", e);
        }
    }

    private static string UntrustedId(DeadLetter letter) => FerActors.Shared.Messaging.UntrustedText.Shown(letter.Id);
}

/// <summary>What becomes of a dead letter in a walk.</summary>
internal enum DeadLetterStep
{
    /// <summary>It stays.</summary>
    Keep,

    /// <summary>It stays, and the walk is over.</summary>
    KeepAndEnd,

    /// <summary>It leaves the queue.</summary>
    Remove,
}
