using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using FerActors.Shared.Files;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FerActors.Client.Broker;

/// <summary>Opens connections without any recovery of their own, and the session on them.</summary>
internal static class BrokerConnector
{
    // A result has the crops of its faces at most. A larger body ends the connection instead of filling the memory.
    private const uint MaxReplyBytes = 64 * 1024 * 1024;

    /// <summary>Connects, and takes replies from then on.</summary>
    /// <param name="settings">How.</param>
    /// <param name="onReply">Gets each reply's correlation id and body; the body is only valid within the call.</param>
    /// <param name="clock">The time.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="BrokerException">There is no session.</exception>
    public static async Task<BrokerSession> OpenAsync(
        BrokerSettings settings, Action<string, ReadOnlyMemory<byte>> onReply, TimeProvider clock, CancellationToken cancellation)
    {
        using var bound = new CancellationTokenSource(settings.ConnectTimeout, clock);
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation, bound.Token);
        IConnection? connection = null;
        try
        {
            var factory = await FactoryAsync(settings, bounded.Token).ConfigureAwait(false);
            connection = await ConnectAsync(factory, settings, bounded.Token).ConfigureAwait(false);
            return await BrokerSession.OpenAsync(connection, settings, onReply, clock, bounded.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            throw e is BrokerUnreachableException or RabbitMQClientException or TimeoutException or OperationCanceledException or SocketException or AuthenticationException
                ? new BrokerException(BrokerFault.Describe(settings.Address, e), BrokerFault.IsRefusal(e), e)
                : new BrokerException(e.Message, isRefusal: false, e);
        }
    }

    // The library says goodbye to a peer that never said anything, and waits for the answer longer than the attempt may last.
    private static async Task<IConnection> ConnectAsync(ConnectionFactory factory, BrokerSettings settings, CancellationToken bounded)
    {
        var connecting = factory.CreateConnectionAsync($"{settings.ConnectionName}@{Environment.MachineName}", bounded);
        try
        {
            return await connecting.WaitAsync(bounded).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = DropAsync(connecting);
            throw;
        }
    }

    private static async Task DropAsync(Task<IConnection> late)
    {
        try
        {
            await (await late.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It did not connect, and nobody waits for the reason any more.
        }
    }

    private static async Task<ConnectionFactory> FactoryAsync(BrokerSettings settings, CancellationToken cancellation)
    {
        var factory = new ConnectionFactory
        {
            Uri = settings.Address,
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            RequestedHeartbeat = settings.Heartbeat,
            RequestedConnectionTimeout = settings.ConnectTimeout,
            ContinuationTimeout = settings.ConnectTimeout,
            HandshakeContinuationTimeout = settings.ConnectTimeout,
            MaxInboundMessageBodySize = MaxReplyBytes,
        };
        if (factory.Ssl.Enabled)
        {
            // The client's own reading of amqps forgives a certificate of another host.
            factory.Ssl = new SslOption(factory.HostName, enabled: true) { AcceptablePolicyErrors = SslPolicyErrors.None };
        }

        if (settings.PasswordFile is not null)
        {
            var text = await RegularFile.ReadAllTextAsync(settings.PasswordFile, cancellation).ConfigureAwait(false);
            factory.Password = text.TrimEnd('\r', '\n');
        }

        return factory;
    }
}
