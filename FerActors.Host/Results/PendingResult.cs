using System.Diagnostics;
using FerActors.Inference.Pipeline;
using RabbitMQ.Client;

namespace FerActors.Host.Results;

/// <summary>A result on its way to the broker.</summary>
/// <param name="Key">The delivery that it answers.</param>
/// <param name="Queue">Where it goes, through the default exchange.</param>
/// <param name="MessageId">The request's id; every attempt carries the same.</param>
/// <param name="CorrelationId">The request's, if any.</param>
/// <param name="ModelVersion">The model that answered, if one did.</param>
/// <param name="Body">The JSON.</param>
/// <param name="Trace">The span of the delivery.</param>
public sealed record PendingResult(
    DeliveryKey Key,
    string Queue,
    string MessageId,
    string? CorrelationId,
    string? ModelVersion,
    ReadOnlyMemory<byte> Body,
    ActivityContext Trace = default)
{
    /// <summary>Set where this is no result but a dead letter: the properties of the message as sent.</summary>
    public IReadOnlyBasicProperties? Envelope { get; init; }

    /// <summary>Why it is a dead letter.</summary>
    public string? Reason { get; init; }
}
