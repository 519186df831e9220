using FerActors.Inference.Pipeline;

namespace FerActors.Host.Results;

/// <summary>What the publisher actor has to do after a step of <see cref="PublisherState"/>.</summary>
public abstract record PublisherEffect
{
    private PublisherEffect()
    {
    }

    /// <summary>Publish it and report how that attempt ended.</summary>
    public sealed record Send(long Attempt, PendingResult Result) : PublisherEffect;

    /// <summary>The broker has it.</summary>
    public sealed record ReportPublished(DeliveryKey Key) : PublisherEffect;

    /// <summary>No queue of that name exists.</summary>
    public sealed record ReportUnroutable(DeliveryKey Key, string Queue) : PublisherEffect;

    /// <summary>The broker will never take it.</summary>
    public sealed record ReportFailed(DeliveryKey Key, string Reason) : PublisherEffect;

    /// <summary>Give the session up and open another.</summary>
    public sealed record ResetSession(string Reason) : PublisherEffect;

    /// <summary>Come back with <see cref="PublisherState.RetryDue"/> after a pause.</summary>
    public sealed record RetryLater : PublisherEffect;
}
