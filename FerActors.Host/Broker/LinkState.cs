using FerActors.Shared.Messaging;

namespace FerActors.Host.Broker;

/// <summary>Where a link stands. Pure; epochs count attempts, so that news of an earlier connection is told from the present one's.</summary>
/// <param name="Phase">Connecting, up, or waiting for the next attempt.</param>
/// <param name="Epoch">Number of the present or last attempt.</param>
/// <param name="Failures">Attempts and connections that failed since the owner last called one healthy.</param>
/// <param name="Unreadable">Connections in a row that ended since the client library could not read what came.</param>
public sealed record LinkState(LinkPhase Phase, long Epoch, int Failures, int Unreadable)
{
    /// <summary>
    /// So many connections in a row are opened at once after unreadable input: more than most delivery limits, so that the message
    /// behind it is dead-lettered meanwhile.
    /// </summary>
    public const int AtOnce = 32;

    private static readonly TimeSpan LongestAfterUnreadable = TimeSpan.FromSeconds(1);

    public static LinkState Initial { get; } = new(LinkPhase.Waiting, 0, 0, 0);

    public LinkState Begin() => this with { Phase = LinkPhase.Connecting, Epoch = Epoch + 1 };

    public LinkState Connected() => this with { Phase = LinkPhase.Up };

    /// <summary>An attempt failed, or the connection ended.</summary>
    /// <param name="unreadable">See <see cref="SessionEnd.Unreadable"/>.</param>
    public LinkState Failed(bool unreadable = false) => unreadable
        ? this with { Phase = LinkPhase.Waiting, Unreadable = Unreadable + 1, Failures = Failures + (Unreadable >= AtOnce ? 1 : 0) }
        : this with { Phase = LinkPhase.Waiting, Unreadable = 0, Failures = Failures + 1 };

    /// <summary>The owner could do its work on this connection: the next failure starts with a short wait again.</summary>
    public LinkState Healthy(long epoch) => epoch == Epoch ? this with { Failures = 0, Unreadable = 0 } : this;

    public LinkState Stopped() => this with { Phase = LinkPhase.Stopped };

    public bool Concerns(long epoch, LinkPhase phase) => epoch == Epoch && phase == Phase;

    /// <summary>How long to wait before the next attempt.</summary>
    /// <param name="backoff">The waits after failures.</param>
    /// <param name="random">In [0, 1).</param>
    public TimeSpan Wait(BackoffPolicy backoff, double random)
    {
        ArgumentNullException.ThrowIfNull(backoff);
        if (Unreadable is > 0 and <= AtOnce)
        {
            return TimeSpan.Zero;
        }

        var wait = backoff.Delay(Math.Max(Failures, 1), random);
        return Unreadable > 0 && wait > LongestAfterUnreadable ? LongestAfterUnreadable : wait;
    }
}

public enum LinkPhase
{
    /// <summary>Until the next attempt.</summary>
    Waiting,

    Connecting,

    Up,

    /// <summary>No further attempt is made.</summary>
    Stopped,
}
