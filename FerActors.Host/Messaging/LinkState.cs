namespace FerActors.Host.Messaging;

/// <summary>Where a link stands. Pure; epochs count attempts, so that news of an earlier connection is told from the present one's.</summary>
/// <param name="Phase">Connecting, up, or waiting for the next attempt.</param>
/// <param name="Epoch">Number of the present or last attempt.</param>
/// <param name="Failures">Attempts and connections that failed since the owner last called one healthy.</param>
public sealed record LinkState(LinkPhase Phase, long Epoch, int Failures)
{
    public static LinkState Initial { get; } = new(LinkPhase.Waiting, 0, 0);

    public LinkState Begin() => this with { Phase = LinkPhase.Connecting, Epoch = Epoch + 1 };

    public LinkState Connected() => this with { Phase = LinkPhase.Up };

    /// <summary>An attempt failed, or the connection ended.</summary>
    public LinkState Failed() => this with { Phase = LinkPhase.Waiting, Failures = Failures + 1 };

    /// <summary>The owner could do its work on this connection: the next failure starts with a short wait again.</summary>
    public LinkState Healthy(long epoch) => epoch == Epoch ? this with { Failures = 0 } : this;

    public LinkState Stopped() => this with { Phase = LinkPhase.Stopped };

    public bool Concerns(long epoch, LinkPhase phase) => epoch == Epoch && phase == Phase;
}
