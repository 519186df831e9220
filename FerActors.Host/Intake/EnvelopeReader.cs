using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Intake;

/// <summary>Reads the properties and headers of deliveries. Pure but for the ids that it generates.</summary>
public sealed class EnvelopeReader
{
    // Stands for bytes that are not UTF-8: what they were is lost, and several ids may look alike.
    private const char Lost = '\uFFFD';

    // AMQP short strings; the client replaces bytes that are not UTF-8 by longer ones, so a copied id may outgrow them.
    private const int MaxShortStringBytes = 255;

    private readonly ReplyToPolicy _replyTo;
    private readonly int _maxBodyBytes;
    private readonly Func<string> _newMessageId;

    public EnvelopeReader(RabbitMqOptions options, Func<string>? newMessageId = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _replyTo = new ReplyToPolicy(options.ResultsQueue, options.ReplyPrefixes);
        _maxBodyBytes = options.MaxBodyBytes;
        _newMessageId = newMessageId ?? (static () => Guid.NewGuid().ToString("D"));
    }

    public (ImageDelivery Delivery, Verdict Verdict) Read(RawDelivery raw)
    {
        ArgumentNullException.ThrowIfNull(raw);
        var fault = IdFault(raw);
        var generated = string.IsNullOrEmpty(raw.MessageId) || (fault is not null && TooLong(raw.MessageId));
        var allowed = _replyTo.TryResolve(raw.ReplyTo, out var queue);
        var understood = RequestHeaders.TryParse(HeaderText.Select(raw.Headers, RequestHeaders.Prefix), out var request, out var error);
        var delivery = new ImageDelivery(
            raw.Key,
            raw.Redelivered,
            generated ? _newMessageId() : raw.MessageId!,
            generated,
            string.IsNullOrEmpty(raw.CorrelationId) || (fault is not null && TooLong(raw.CorrelationId)) ? null : raw.CorrelationId,
            string.IsNullOrEmpty(raw.ReplyTo) ? null : raw.ReplyTo,
            queue,
            request with { Deadline = null },
            raw.Body,
            raw.BodySha256,
            raw.ReceivedAt,
            raw.ReceivedAt + request.Deadline,
            raw.Envelope);

        if (!allowed)
        {
            return (delivery, new Verdict.DeadLetter($"its reply-to '{UntrustedText.Shown(raw.ReplyTo)}' is not in ReplyToAllowed"));
        }

        if (fault is not null)
        {
            return (delivery, new Verdict.Refuse(ErrorCodes.BadMessageId, fault));
        }

        if (TooLong(delivery.MessageId) || TooLong(delivery.CorrelationId) || TooLong(delivery.ReplyTo))
        {
            return (delivery, new Verdict.DeadLetter("its message-id, correlation-id or reply-to cannot be copied into a result"));
        }

        if (raw.BodyLength > _maxBodyBytes)
        {
            return (delivery, new Verdict.Refuse(
                ErrorCodes.TooLarge,
                $"The body has {raw.BodyLength.ToString(CultureInfo.InvariantCulture)} bytes; at most {_maxBodyBytes.ToString(CultureInfo.InvariantCulture)} are accepted."));
        }

        return understood
            ? (delivery, Verdict.Accept.Instance)
            : (delivery, new Verdict.Refuse(ErrorCodes.InvalidHeader, error!));
    }

    private static bool TooLong(string? text) => text is not null && Encoding.UTF8.GetByteCount(text) > MaxShortStringBytes;

    // The hash is what the publisher can still tell the message by.
    private static string? IdFault(RawDelivery raw)
    {
        var fault = raw.MessageId?.Contains(Lost, StringComparison.Ordinal) == true ? "message-id"
            : raw.CorrelationId?.Contains(Lost, StringComparison.Ordinal) == true ? "correlation-id"
            : null;
        return fault is null
            ? null
            : $"The {fault} is not UTF-8, or holds the character U+FFFD, so that the result cannot carry it back. "
                + $"The SHA-256 of the body is {Convert.ToHexStringLower(raw.BodySha256 ?? SHA256.HashData(raw.Body.Span))}.";
    }
}
