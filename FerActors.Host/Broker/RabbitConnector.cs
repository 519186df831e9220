using System.Net.Security;
using FerActors.Shared.Files;
using FerActors.Shared.Options;
using RabbitMQ.Client;

namespace FerActors.Host.Broker;

/// <summary>Opens connections as the options say.</summary>
public sealed class RabbitConnector(RabbitMqOptions options) : IRabbitConnector
{
    // Above every broker's own limit: a body that the client refused would close the connection, again and again, while one
    // that arrives is answered with too_large. The bytes stand in the client's pooled buffer and are not copied.
    private const uint MaxInboundBytes = 512 * 1024 * 1024;

    public async Task<IConnection> ConnectAsync(string role, CancellationToken cancellation)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(options.ConnectTimeout);
        var factory = await CreateFactoryAsync(bounded.Token).ConfigureAwait(false);
        try
        {
            return await factory.CreateConnectionAsync($"{options.ClientName}-{role}@{Environment.MachineName}", bounded.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"No connection within {options.ConnectTimeout}.");
        }
    }

    /// <summary>The settings of every connection; the password comes from its file where there is one.</summary>
    public async Task<ConnectionFactory> CreateFactoryAsync(CancellationToken cancellation)
    {
        var factory = new ConnectionFactory
        {
            Uri = new Uri(options.Uri),
            AutomaticRecoveryEnabled = false,
            TopologyRecoveryEnabled = false,
            RequestedHeartbeat = options.Heartbeat,
            RequestedConnectionTimeout = options.ConnectTimeout,
            ContinuationTimeout = options.ConnectTimeout,
            HandshakeContinuationTimeout = options.ConnectTimeout,
            MaxInboundMessageBodySize = MaxInboundBytes,
        };
        if (factory.Ssl.Enabled)
        {
            // The client's own reading of amqps forgives a certificate of another host.
            factory.Ssl = new SslOption(factory.HostName, enabled: true) { AcceptablePolicyErrors = SslPolicyErrors.None };
        }

        if (options.PasswordFile is not null)
        {
            var text = await RegularFile.ReadAllTextAsync(options.PasswordFile, cancellation).ConfigureAwait(false);
            factory.Password = text.TrimEnd('\r', '\n');
        }

        return factory;
    }
}
