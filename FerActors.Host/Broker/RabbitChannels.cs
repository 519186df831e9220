using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FerActors.Host.Broker;

/// <summary>What every actor does that opens channels: within a time, and told when one is shut.</summary>
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

    /// <summary>Has the reason told when the channel is shut, by whichever side.</summary>
    public static void WhenShut(this IChannel channel, Action<SessionEnd> tell) => channel.ChannelShutdownAsync += (_, args) =>
    {
        tell(SessionEnd.Of(args));
        return Task.CompletedTask;
    };

    /// <summary>Who closed it, and why.</summary>
    public static string Describe(ShutdownEventArgs args) => $"{args.Initiator} closed it with {args.ReplyCode} {args.ReplyText}";
}
