using Akka.Actor;

namespace FerActors.Host.Intake;

/// <summary>Key of <see cref="RabbitTransportActor"/> in the actor registry.</summary>
public sealed class RabbitTransport;

/// <summary>Take no new images. Answered with <see cref="IntakeStopped"/> once the broker has cancelled the consumer.</summary>
public sealed record StopIntake : INoSerializationVerificationNeeded
{
    private StopIntake()
    {
    }

    public static StopIntake Instance { get; } = new();
}

/// <summary>No new image will arrive.</summary>
public sealed record IntakeStopped : INoSerializationVerificationNeeded
{
    private IntakeStopped()
    {
    }

    public static IntakeStopped Instance { get; } = new();
}

/// <summary>
/// Take no new images, finish those in flight, then close the connections. Answered with <see cref="TransportDrained"/>, at the
/// latest when the drain timeout is over.
/// </summary>
public sealed record DrainTransport : INoSerializationVerificationNeeded
{
    private DrainTransport()
    {
    }

    public static DrainTransport Instance { get; } = new();
}

/// <summary>The transport is closed.</summary>
/// <param name="Unfinished">Images that were still in flight; the broker gives them to another node.</param>
public sealed record TransportDrained(int Unfinished) : INoSerializationVerificationNeeded;

/// <summary>Asks for <see cref="TransportStatistics"/>.</summary>
public sealed record GetTransportStatistics : INoSerializationVerificationNeeded
{
    private GetTransportStatistics()
    {
    }

    public static GetTransportStatistics Instance { get; } = new();
}

/// <summary>What the transport did since it started, and how it stands.</summary>
/// <param name="ConsumerConnected">Images can arrive.</param>
/// <param name="PublisherConnected">Results can leave.</param>
/// <param name="PublisherBlocked">The broker has a memory or disk alarm and takes no results for now.</param>
/// <param name="Mode">How the consumer takes images.</param>
/// <param name="Intake">Counts of deliveries and their ends.</param>
/// <param name="InFlight">Images taken and not settled.</param>
/// <param name="Held">Those among them that wait for a suspect image to be finished.</param>
/// <param name="Published">Results that the broker confirmed.</param>
/// <param name="Republished">Attempts to publish beyond the first of each result.</param>
/// <param name="PendingResults">Results without a confirm.</param>
/// <param name="Progress">How long each part has not moved.</param>
public sealed record TransportStatistics(
    bool ConsumerConnected,
    bool PublisherConnected,
    bool PublisherBlocked,
    IntakeMode Mode,
    IntakeCounters Intake,
    int InFlight,
    int Held,
    long Published,
    long Republished,
    int PendingResults,
    TransportProgress? Progress = null) : INoSerializationVerificationNeeded;

/// <summary>What tells a transport that works from one that only is connected.</summary>
/// <param name="OldestUnanswered">Age of the oldest delivery that is not settled; absent where there is none.</param>
/// <param name="ConsumerStandstill">Time since a delivery was last answered, while some wait.</param>
/// <param name="PublisherStandstill">Time since the broker last took a result, while some wait.</param>
/// <param name="PublisherRefused">The broker has refused the last result: the queue is full, or has no leader.</param>
/// <param name="GivenUpInARow">Deliveries in a row that the pipeline kept too long.</param>
public sealed record TransportProgress(
    TimeSpan? OldestUnanswered = null,
    TimeSpan? ConsumerStandstill = null,
    TimeSpan? PublisherStandstill = null,
    bool PublisherRefused = false,
    int GivenUpInARow = 0);
