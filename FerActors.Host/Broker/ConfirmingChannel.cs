using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.Broker;

/// <summary>
/// A channel whose publications end once the broker has said what became of them. The client library could count the confirms itself,
/// but it would write its count into the headers of every message; here messages stay as they are.
/// </summary>
internal sealed class ConfirmingChannel
{
    private const ushort PreconditionFailed = 406;
    private const ushort ContentTooLarge = 311;

    // One publication at a time enters the channel, so that the count here is the broker's own.
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lock _lock = new();
    private readonly SortedDictionary<ulong, Pending> _pending = [];
    private PublishEnding? _shut;
    private ulong _sent;

    private ConfirmingChannel(IChannel channel)
    {
        Channel = channel;
        channel.BasicAcksAsync += (_, ack) => Settle(ack.DeliveryTag, ack.Multiple, new PublishEnding(PublishEnd.Confirmed, ""));
        channel.BasicNacksAsync += (_, nack) => Settle(nack.DeliveryTag, nack.Multiple, new PublishEnding(PublishEnd.Refused, "the broker refused it"));
        channel.BasicReturnAsync += OnReturnedAsync;
        channel.ChannelShutdownAsync += OnShutAsync;
    }

    public IChannel Channel { get; }

    public static async Task<ConfirmingChannel> OpenAsync(IConnection connection, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false),
            cancellation).ConfigureAwait(false);
        return new ConfirmingChannel(channel);
    }

    /// <summary>Publishes through the default exchange.</summary>
    /// <param name="queue">Where it goes.</param>
    /// <param name="mandatory">Whether the broker gives it back where no queue has that name.</param>
    /// <param name="properties">Its properties; they must not be shared with another message.</param>
    /// <param name="body">Its body.</param>
    /// <param name="timeout">How long the broker may take.</param>
    /// <param name="ended">Fires when the session is over.</param>
    public async Task<PublishEnding> PublishAsync(
        string queue, bool mandatory, BasicProperties properties, ReadOnlyMemory<byte> body, TimeSpan timeout, CancellationToken ended)
    {
        ArgumentNullException.ThrowIfNull(properties);
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(ended);
        bounded.CancelAfter(timeout);
        try
        {
            var pending = await SendAsync(queue, mandatory, properties, body, bounded.Token).ConfigureAwait(false);
            return await pending.Ending.Task.WaitAsync(bounded.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return ended.IsCancellationRequested
                ? new PublishEnding(PublishEnd.Broken, "the session ended")
                : new PublishEnding(PublishEnd.TimedOut, "the broker did not confirm it in time");
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason is { } reason)
        {
            return EndingOf(reason);
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or ObjectDisposedException or TimeoutException)
        {
            return new PublishEnding(PublishEnd.Broken, e.Message);
        }
        catch (Exception e)
        {
            return new PublishEnding(PublishEnd.Impossible, e.Message);
        }
    }

    private async Task<Pending> SendAsync(
        string queue, bool mandatory, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var key = new ReturnKey(OnTheWire(queue), OnTheWire(properties.MessageId), OnTheWire(properties.CorrelationId));
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            // A returned message does not say which it is but by these, so two that look alike are never on their way at once.
            while (mandatory && Alike(key) is { } alike)
            {
                await alike.WaitAsync(cancellation).ConfigureAwait(false);
            }

            var pending = new Pending(key);
            lock (_lock)
            {
                if (_shut is { } shut)
                {
                    pending.Ending.SetResult(shut);
                    return pending;
                }

                // Known before it is sent: the broker may be quicker than the way back from here.
                _pending[_sent + 1] = pending;
            }

            try
            {
                await Channel.BasicPublishAsync("", queue, mandatory, properties, body, cancellation).ConfigureAwait(false);
                _sent++;
            }
            catch
            {
                lock (_lock)
                {
                    _pending.Remove(_sent + 1);
                }

                throw;
            }

            return pending;
        }
        finally
        {
            _turn.Release();
        }
    }

    private Task<PublishEnding>? Alike(ReturnKey key)
    {
        lock (_lock)
        {
            return _pending.Values.FirstOrDefault(pending => pending.Key == key)?.Ending.Task;
        }
    }

    private Task Settle(ulong tag, bool multiple, PublishEnding ending)
    {
        foreach (var pending in Take(tag, multiple))
        {
            pending.Ending.TrySetResult(pending.Returned ?? ending);
        }

        return Task.CompletedTask;
    }

    private List<Pending> Take(ulong tag, bool multiple)
    {
        lock (_lock)
        {
            List<ulong> tags = multiple ? [.. _pending.Keys.TakeWhile(key => key <= tag)] : _pending.ContainsKey(tag) ? [tag] : [];
            return tags.ConvertAll(key =>
            {
                _pending.Remove(key, out var pending);
                return pending!;
            });
        }
    }

    // The broker returns a message before it confirms the same message, so the confirm finds the mark.
    private Task OnReturnedAsync(object sender, BasicReturnEventArgs returned)
    {
        var properties = returned.BasicProperties;
        var key = new ReturnKey(returned.RoutingKey, properties.MessageId ?? "", properties.CorrelationId ?? "");
        var ending = new PublishEnding(PublishEnd.Unroutable, returned.ReplyText);
        lock (_lock)
        {
            var known = _pending.Values.FirstOrDefault(pending => pending.Key == key && pending.Returned is null);
            if (known is not null)
            {
                known.Returned = ending;
                return Task.CompletedTask;
            }

            // It cannot be told which one came back: none of them may count as delivered.
            foreach (var pending in _pending.Values)
            {
                pending.Returned ??= new PublishEnding(PublishEnd.Broken, "the broker returned a message that is not known here");
            }
        }

        return Task.CompletedTask;
    }

    private Task OnShutAsync(object sender, ShutdownEventArgs reason)
    {
        List<Pending> open;
        lock (_lock)
        {
            _shut = EndingOf(reason);
            open = [.. _pending.Values];
            _pending.Clear();
        }

        open.ForEach(pending => pending.Ending.TrySetResult(_shut.Value));
        return Task.CompletedTask;
    }

    private static PublishEnding EndingOf(ShutdownEventArgs reason) => reason is { Initiator: ShutdownInitiator.Peer, ReplyCode: PreconditionFailed or ContentTooLarge }
        ? new PublishEnding(PublishEnd.ContentRefused, reason.ReplyText)
        : new PublishEnding(PublishEnd.Broken, RabbitChannels.Describe(reason));

    // As the text comes back where the client library encodes it as UTF-8 and decodes it again.
    private static string OnTheWire(string? text) => text is null ? "" : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private sealed record ReturnKey(string Queue, string MessageId, string CorrelationId);

    private sealed class Pending(ReturnKey key)
    {
        public ReturnKey Key => key;

        public PublishEnding? Returned { get; set; }

        // Its continuations run elsewhere: the client library's reading loop must not wait for them.
        public TaskCompletionSource<PublishEnding> Ending { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
