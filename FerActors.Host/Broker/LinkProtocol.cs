using Akka.Actor;
using RabbitMQ.Client;

namespace FerActors.Host.Broker;

/// <summary>To the owner: a connection is open. It belongs to the link, which closes it.</summary>
public sealed record LinkUp(long Epoch, IConnection Connection) : INoSerializationVerificationNeeded;

/// <summary>To the owner: the connection is gone.</summary>
public sealed record LinkDown(long Epoch, SessionEnd End) : INoSerializationVerificationNeeded;

/// <summary>To the owner: the broker takes no publications on this connection, or takes them again.</summary>
public sealed record LinkBlocked(long Epoch, bool Blocked) : INoSerializationVerificationNeeded;

/// <summary>From the owner: work was done on this connection and the broker took it. That the connection is open is not enough.</summary>
public sealed record LinkHealthy(long Epoch) : INoSerializationVerificationNeeded;

/// <summary>From the owner: this connection is of no use any more; open another.</summary>
public sealed record ResetLink(long Epoch, SessionEnd End) : INoSerializationVerificationNeeded;

/// <summary>From the owner: close in an orderly way and stay closed. Answered with <see cref="LinkClosed"/>.</summary>
public sealed record CloseLink : INoSerializationVerificationNeeded
{
    private CloseLink()
    {
    }

    public static CloseLink Instance { get; } = new();
}

/// <summary>The link is closed for good.</summary>
public sealed record LinkClosed : INoSerializationVerificationNeeded
{
    private LinkClosed()
    {
    }

    public static LinkClosed Instance { get; } = new();
}
