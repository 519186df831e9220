using FerActors.Shared.Protocol;

namespace FerActors.Lab.Bench;

/// <summary>One image's way as its sender saw it. Moments count from the start of the run.</summary>
/// <param name="Intended">When the schedule wanted it sent; in a closed loop, when its sender became free.</param>
/// <param name="Sent">When it was handed to the client library.</param>
/// <param name="Confirmed">When the broker had confirmed it.</param>
/// <param name="Arrived">When its result came in; absent where none came in time.</param>
/// <param name="Read">When that result was parsed.</param>
/// <param name="Outcome"><c>classified</c>, <c>no_face</c>, the code of an error, or <c>unanswered</c>.</param>
/// <param name="Faces">Faces in the result.</param>
/// <param name="Server">The node's own times.</param>
internal sealed record RequestTrace(
    TimeSpan Intended, TimeSpan Sent, TimeSpan Confirmed, TimeSpan? Arrived, TimeSpan? Read, string Outcome, int Faces, Timings Server)
{
    public const string Unanswered = "unanswered";
    public const string Classified = "classified";
    public const string NoFace = "no_face";

    /// <summary>The image was worked on to its end; a refusal and silence are no answers, however fast they are.</summary>
    public bool IsAnswered => Arrived is not null && Outcome is Classified or NoFace;

    /// <summary>
    /// From the intended moment to the result. What a late sender adds counts: a generator that stops sending while the server
    /// stalls, and measures from its own late sends, leaves out just the requests that suffered (coordinated omission).
    /// </summary>
    public TimeSpan? Latency => Arrived - Intended;
}
