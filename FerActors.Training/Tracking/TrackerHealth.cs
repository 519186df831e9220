using FerActors.Shared.Messaging;

namespace FerActors.Training.Tracking;

/// <summary>How a tracker is doing, as pure state: when to try again, when to speak, and when to give it up.</summary>
/// <param name="Failures">In a row.</param>
/// <param name="Warned">The one warning was given.</param>
/// <param name="GivenUp">Nothing more is sent.</param>
internal sealed record TrackerHealth(int Failures, bool Warned, bool GivenUp)
{
    /// <summary>Failures in a row after which a tracker is given up: about four minutes of waiting.</summary>
    public const int MaxFailures = 10;

    public static readonly BackoffPolicy Backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    public static TrackerHealth Good { get; } = new(0, false, false);

    public TrackerHealth Succeeded() => this with { Failures = 0 };

    /// <param name="permanent">Another attempt would fail likewise.</param>
    /// <param name="essential">Nothing can follow where this is lost: it was the start.</param>
    /// <param name="random">In [0, 1), for the jitter.</param>
    /// <returns>The next state; whether to warn; how long to wait before the same thing is tried again, or none where it is dropped.</returns>
    public (TrackerHealth Next, bool Warn, TimeSpan? Wait) Failed(bool permanent, bool essential, double random)
    {
        var failures = Failures + 1;
        var lost = failures >= MaxFailures || (permanent && essential);
        var next = new TrackerHealth(permanent ? Failures : failures, true, lost);
        return (next, !Warned, permanent || lost ? null : Backoff.Delay(failures, random));
    }
}
