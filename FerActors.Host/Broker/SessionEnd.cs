using System.Net.Sockets;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FerActors.Host.Broker;

/// <summary>Why a channel or connection ended.</summary>
/// <param name="Reason">A sentence for the log.</param>
/// <param name="Unreadable">
/// The client library could not read what the broker sent, for instance a header of a stranger's message. The next connection would
/// only be late where it waited: the broker is well.
/// </param>
public sealed record SessionEnd(string Reason, bool Unreadable)
{
    internal static SessionEnd Of(ShutdownEventArgs args) => new(
        RabbitChannels.Describe(args),
        // The library reports a lost connection in the same way, with the exception that the socket gave.
        args is { Initiator: ShutdownInitiator.Library, ReplyCode: >= 500 }
            and not { Exception: EndOfStreamException or IOException or SocketException or OperationCanceledException or ObjectDisposedException or FileLoadException });
}
