using System.Security.Cryptography;
using System.Text;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Protocol;
using RabbitMQ.Client;

namespace FerActors.Host.Intake;

/// <summary>A delivery whose properties and headers were read.</summary>
/// <param name="Key">Session and delivery tag.</param>
/// <param name="Redelivered">The broker has delivered it before: it is suspect.</param>
/// <param name="MessageId">The publisher's id, or the generated one.</param>
/// <param name="MessageIdGenerated">The publisher gave none.</param>
/// <param name="CorrelationId">Copied into the result.</param>
/// <param name="ReplyTo">As sent, or absent.</param>
/// <param name="ResultQueue">Where its result goes.</param>
/// <param name="Request">What the publisher asked for.</param>
/// <param name="Body">The encoded image.</param>
/// <param name="BodySha256">Set where the body was not copied.</param>
/// <param name="ReceivedAt">When it arrived.</param>
/// <param name="ExpiresAt">After this moment the publisher has no use for the result; absent where the publisher did not say.</param>
/// <param name="Envelope">All properties as sent, for a copy of the message; absent where none can be made.</param>
public sealed record ImageDelivery(
    DeliveryKey Key,
    bool Redelivered,
    string MessageId,
    bool MessageIdGenerated,
    string? CorrelationId,
    string? ReplyTo,
    string ResultQueue,
    RequestOptions Request,
    ReadOnlyMemory<byte> Body,
    byte[]? BodySha256,
    DateTimeOffset ReceivedAt,
    DateTimeOffset? ExpiresAt,
    IReadOnlyBasicProperties? Envelope = null)
{
    /// <summary>Whether the whole message is at hand.</summary>
    public bool CanBeCopied => Envelope is not null && BodySha256 is null;

    /// <summary>
    /// What the message is known by across redeliveries: its id, or its body's hash where the id was generated. Where the
    /// answer goes is a part of it, so that a second request with the same picture is never taken for the first.
    /// </summary>
    public string Identity()
    {
        var what = MessageIdGenerated
            ? "body:" + Convert.ToHexStringLower(BodySha256 ?? SHA256.HashData(Body.Span))
            : "id:" + MessageId;
        var all = Encoding.UTF8.GetBytes($"{what}\n{CorrelationId}\n{ReplyTo}");
        return Convert.ToHexStringLower(SHA256.HashData(all));
    }
}
