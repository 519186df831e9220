using System.Diagnostics;
using Akka.Actor;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.Gateway;

/// <summary>Key of <see cref="ImageGatewayActor"/> in the actor registry.</summary>
public sealed class ImageGateway;

/// <summary>Asks some node of the cluster, through the broker, to classify an image. Answered by exactly one <see cref="GatewayAnswer"/>.</summary>
/// <param name="MessageId">Its id, which the result carries; also the correlation id.</param>
/// <param name="Image">The encoded image; never changed, never logged.</param>
/// <param name="Headers">Headers of the queue contract.</param>
/// <param name="Timeout">Longest wait; the image expires in the queue after it.</param>
/// <param name="Trace">The span that the publication belongs to.</param>
public sealed record ClassifyRemotely(
    string MessageId,
    ReadOnlyMemory<byte> Image,
    IReadOnlyDictionary<string, string> Headers,
    TimeSpan Timeout,
    ActivityContext Trace = default) : INoSerializationVerificationNeeded;

/// <summary>The one answer to a <see cref="ClassifyRemotely"/>.</summary>
public abstract record GatewayAnswer : INoSerializationVerificationNeeded
{
    private GatewayAnswer()
    {
    }

    /// <summary>A node answered, with a classification or an error result.</summary>
    /// <param name="Result">The result.</param>
    /// <param name="Json">The same, as it came.</param>
    public sealed record Answered(ClassificationResult Result, ReadOnlyMemory<byte> Json) : GatewayAnswer;

    /// <summary>No node answered.</summary>
    /// <param name="Code">One of <see cref="ApiCodes"/> or <see cref="ErrorCodes"/>.</param>
    /// <param name="Message">A sentence for the client.</param>
    public sealed record NotAnswered(string Code, string Message) : GatewayAnswer;
}

/// <summary>Puts a message into the queue of feedback. Answered by exactly one <see cref="FeedbackSent"/>.</summary>
/// <param name="MessageId">The id of the result that it is about.</param>
/// <param name="Body">The message.</param>
public sealed record SendFeedback(string MessageId, ReadOnlyMemory<byte> Body) : INoSerializationVerificationNeeded;

/// <param name="Refusal">Why the broker does not have the feedback; <see langword="null"/> where it has confirmed it.</param>
public sealed record FeedbackSent(GatewayAnswer.NotAnswered? Refusal) : INoSerializationVerificationNeeded;

/// <summary>Asks for <see cref="GatewayStatus"/>.</summary>
public sealed record GetGatewayStatus : INoSerializationVerificationNeeded
{
    private GetGatewayStatus()
    {
    }

    public static GetGatewayStatus Instance { get; } = new();
}

/// <summary>Asks for <see cref="QueueDepths"/>.</summary>
public sealed record GetQueueDepths : INoSerializationVerificationNeeded
{
    private GetQueueDepths()
    {
    }

    public static GetQueueDepths Instance { get; } = new();
}

/// <param name="Ready">Messages that wait in the broker's queues, by name; a queue that does not exist is left out.</param>
public sealed record QueueDepths(IReadOnlyDictionary<string, long> Ready) : INoSerializationVerificationNeeded;

/// <param name="Connected">Requests can be published and results can arrive.</param>
/// <param name="Blocked">The broker has a memory or disk alarm and takes no images for now.</param>
/// <param name="InFlight">Requests without an answer.</param>
/// <param name="Fault">Why there is no session where the broker itself can be reached, for people and not for clients; absent where that is not so.</param>
/// <param name="Standstill">Time since a result last came, while requests wait.</param>
/// <param name="UnansweredInARow">Requests in a row that got no result in time.</param>
public sealed record GatewayStatus(
    bool Connected, bool Blocked, int InFlight, string? Fault = null, TimeSpan? Standstill = null, int UnansweredInARow = 0) : INoSerializationVerificationNeeded;
