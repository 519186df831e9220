namespace FerActors.Inference.Serving;

/// <summary>How an instance of the pool stands.</summary>
public enum InstanceState
{
    /// <summary>It waits for a batch.</summary>
    Free = 0,

    /// <summary>It runs a batch.</summary>
    Busy = 1,

    /// <summary>It failed, was taken out, and will be tried again.</summary>
    Out = 2,

    /// <summary>Its models are loaded anew and tried.</summary>
    Returning = 3,
}

/// <summary>What operators see of an instance.</summary>
/// <param name="Number">From 0.</param>
/// <param name="Device"><c>cpu</c> or <c>cuda:N</c>.</param>
/// <param name="State">How it stands.</param>
/// <param name="Reason">Why it was taken out; a sentence.</param>
/// <param name="Passes">Passes that it has ended.</param>
/// <param name="Failures">Passes and returns that failed for its own fault.</param>
/// <param name="Busy">Time that it has spent with passes.</param>
/// <param name="Age">Time since the pool began.</param>
public sealed record InstanceStatus(
    int Number, string Device, InstanceState State, string? Reason, long Passes, long Failures, TimeSpan Busy, TimeSpan Age)
{
    /// <summary>Share of the time in which it was busy, from 0 to 1.</summary>
    public double BusyShare => Age > TimeSpan.Zero ? Math.Clamp(Busy / Age, 0, 1) : 0;
}
