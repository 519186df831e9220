using RabbitMQ.Client;

namespace FerActors.Host.Messaging;

/// <summary>What every actor does that opens channels: within a time, with confirms where it publishes, told when one is shut.</summary>
internal static class RabbitChannels
{
    /// <summary>Opens something on a connection within a time.</summary>
    /// <param name="limit">The time.</param>
    /// <param name="complaint">What to say where it is over.</param>
    /// <param name="open">Opens it.</param>
    /// <param name="ended">Gives up without a complaint.</param>
    /// <exception cref="TimeoutException">The time is over.</exception>
    public static async Task<T> OpenAsync<T>(TimeSpan limit, string complaint, Func<CancellationToken, Task<T>> open, CancellationToken ended)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(ended);
        bounded.CancelAfter(limit);
        try
        {
            return await open(bounded.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested)
        {
            throw new TimeoutException(complaint);
        }
    }

    /// <summary>A channel on which a publication returns once the broker has confirmed it.</summary>
    public static Task<IChannel> CreateConfirmingAsync(IConnection connection, CancellationToken cancellation) => connection.CreateChannelAsync(
        new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellation);

    /// <summary>Has the reason told when the channel is shut, by whichever side.</summary>
    public static void WhenShut(this IChannel channel, Action<string> tell) => channel.ChannelShutdownAsync += (_, args) =>
    {
        tell($"{args.Initiator} closed the channel with {args.ReplyCode} {args.ReplyText}");
        return Task.CompletedTask;
    };
}
