using Akka.Actor;
using FerActors.Shared.Feedback;

namespace FerActors.Host.Feedback;

/// <summary>Key of <see cref="FeedbackActor"/> in the actor registry.</summary>
public sealed class FeedbackIntake;

/// <summary>Asks for <see cref="FeedbackStatus"/>.</summary>
public sealed record GetFeedbackStatus : INoSerializationVerificationNeeded
{
    private GetFeedbackStatus()
    {
    }

    public static GetFeedbackStatus Instance { get; } = new();
}

/// <param name="Consuming">Feedback can arrive.</param>
/// <param name="Stored">Messages stored since the start, repeated ones among them.</param>
/// <param name="DeadLettered">Messages that could not be used.</param>
/// <param name="Versions">How the versions fare, the one with the latest feedback first.</param>
/// <param name="Standstill">Time since a message was last acknowledged, while some wait; absent where none waits.</param>
public sealed record FeedbackStatus(
    bool Consuming, long Stored, long DeadLettered, IReadOnlyList<ProductionAccuracy> Versions, TimeSpan? Standstill = null)
    : INoSerializationVerificationNeeded;
