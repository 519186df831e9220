using RabbitMQ.Client;

namespace FerActors.Host.Broker;

/// <summary>Opens connections to the broker.</summary>
public interface IRabbitConnector
{
    /// <summary>Opens one connection, without any recovery of its own.</summary>
    /// <param name="role">Ends the connection's name, which the broker shows.</param>
    /// <param name="cancellation">Gives the attempt up.</param>
    Task<IConnection> ConnectAsync(string role, CancellationToken cancellation);
}
