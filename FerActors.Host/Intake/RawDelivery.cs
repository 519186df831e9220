using FerActors.Inference.Pipeline;
using RabbitMQ.Client;

namespace FerActors.Host.Intake;

/// <summary>One delivery as the client library handed it over, freed from the library's buffers.</summary>
/// <param name="Key">Session and delivery tag.</param>
/// <param name="Redelivered">The broker has delivered this message before, to whomever.</param>
/// <param name="MessageId">As sent, or absent.</param>
/// <param name="CorrelationId">As sent, or absent.</param>
/// <param name="ReplyTo">As sent, or absent.</param>
/// <param name="Headers">Header values in the library's types.</param>
/// <param name="Body">A copy of the body; empty where the body is over the limit.</param>
/// <param name="BodyLength">Bytes of the body as delivered.</param>
/// <param name="BodySha256">Set where the body was not copied.</param>
/// <param name="ReceivedAt">When it arrived.</param>
/// <param name="Envelope">All its properties, for a copy of the message; absent where none can be made.</param>
public sealed record RawDelivery(
    DeliveryKey Key,
    bool Redelivered,
    string? MessageId,
    string? CorrelationId,
    string? ReplyTo,
    IReadOnlyDictionary<string, object?> Headers,
    ReadOnlyMemory<byte> Body,
    int BodyLength,
    byte[]? BodySha256,
    DateTimeOffset ReceivedAt,
    IReadOnlyBasicProperties? Envelope = null);
