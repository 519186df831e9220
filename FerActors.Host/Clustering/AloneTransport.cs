using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;

namespace FerActors.Host.Clustering;

/// <summary>
/// The transport of a node that is alone: the node has an address, since membership, replicated data and singletons need one, but
/// nothing listens there and nothing is sent. Only a socket that is not there cannot be knocked at.
/// </summary>
public sealed class AloneTransport : Transport
{
    private const string Scheme = "alone";

    // Of no meaning, but an address without one counts as local to whoever reads it.
    private const int NoPort = 1;

    private readonly TaskCompletionSource<IAssociationEventListener> _listener = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>As Akka.Remote makes it.</summary>
    /// <param name="system">The actor system whose transport it is.</param>
    /// <param name="config">Its settings.</param>
    public AloneTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        MaximumPayloadBytes = 1;
    }

    /// <summary>Settings that make it the only transport of a system.</summary>
    public static string Settings { get; } = $$"""
        akka.remote {
          enabled-transports = ["akka.remote.alone"]
          alone {
            transport-class = "{{typeof(AloneTransport).FullName}}, {{typeof(AloneTransport).Assembly.GetName().Name}}"
            applied-adapters = []
          }
        }
        """;

    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen() =>
        Task.FromResult((new Address(Scheme, System.Name, "localhost", NoPort), _listener));

    public override bool IsResponsibleFor(Address remote) => true;

    /// <exception cref="InvalidAssociationException">Always: the node knows no other.</exception>
    public override Task<AssociationHandle> Associate(Address remoteAddress) =>
        Task.FromException<AssociationHandle>(new InvalidAssociationException($"This node is alone and reaches no {remoteAddress}."));

    public override Task<bool> Shutdown() => Task.FromResult(true);
}
