using System.Net.Sockets;
using System.Security.Authentication;
using FerActors.Host.Broker;
using FerActors.Shared.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Host.Client;

/// <summary>A connection for a command: one attempt, whose failure is a sentence.</summary>
internal static class BrokerConnection
{
    /// <param name="options">Where the broker is.</param>
    /// <param name="role">Ends the connection's name, which the broker shows.</param>
    /// <param name="cancellation">Gives the attempt up.</param>
    /// <exception cref="IOException">There is no connection; says why, and names the broker without the password.</exception>
    public static async Task<IConnection> OpenAsync(RabbitMqOptions options, string role, CancellationToken cancellation)
    {
        try
        {
            return await new RabbitConnector(options).ConnectAsync(role, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is BrokerUnreachableException or RabbitMQClientException or TimeoutException or SocketException or AuthenticationException)
        {
            throw new IOException(BrokerFault.Describe(new Uri(options.Uri), e), e);
        }
    }
}
