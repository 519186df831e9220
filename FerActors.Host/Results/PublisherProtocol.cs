using System.Diagnostics;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Protocol;
using RabbitMQ.Client;

namespace FerActors.Host.Results;

/// <summary>Asks <see cref="ResultPublisherActor"/> to publish a result. The sender gets one of the three answers below.</summary>
/// <param name="Key">The delivery that it answers.</param>
/// <param name="Result">The result.</param>
/// <param name="Queue">Where it goes.</param>
/// <param name="Trace">The span of the delivery.</param>
public sealed record PublishResult(DeliveryKey Key, ClassificationResult Result, string Queue, ActivityContext Trace = default);

/// <summary>
/// Asks <see cref="ResultPublisherActor"/> to put a copy of a message into the dead-letter queue. The sender gets one of the three answers
/// below.
/// </summary>
/// <param name="Key">The delivery.</param>
/// <param name="MessageId">Its id.</param>
/// <param name="Envelope">Its properties as sent.</param>
/// <param name="Body">Its body as sent.</param>
/// <param name="Reason">Why it is a dead letter.</param>
/// <param name="Trace">The span of the delivery.</param>
public sealed record PublishDeadLetter(
    DeliveryKey Key, string MessageId, IReadOnlyBasicProperties Envelope, ReadOnlyMemory<byte> Body, string Reason, ActivityContext Trace = default);

/// <summary>The broker confirmed the result.</summary>
public sealed record ResultPublished(DeliveryKey Key);

/// <summary>The result's queue does not exist.</summary>
public sealed record ResultUnroutable(DeliveryKey Key, string Queue);

/// <summary>The broker will never take the result.</summary>
public sealed record ResultFailed(DeliveryKey Key, string Reason);
