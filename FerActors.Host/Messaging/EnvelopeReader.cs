using System.Globalization;
using System.Text;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Host.Messaging;

/// <summary>Reads the properties and headers of deliveries. Pure but for the ids that it generates.</summary>
public sealed class EnvelopeReader
{
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
        var generated = string.IsNullOrEmpty(raw.MessageId);
        var allowed = _replyTo.TryResolve(raw.ReplyTo, out var queue);
        var understood = RequestHeaders.TryParse(HeaderText.Select(raw.Headers, RequestHeaders.Prefix), out var request, out var error);
        var delivery = new ImageDelivery(
            raw.Key,
            raw.Redelivered,
            generated ? _newMessageId() : raw.MessageId!,
            generated,
            string.IsNullOrEmpty(raw.CorrelationId) ? null : raw.CorrelationId,
            string.IsNullOrEmpty(raw.ReplyTo) ? null : raw.ReplyTo,
            queue,
            request,
            raw.Body,
            raw.BodySha256,
            raw.ReceivedAt,
            ExpiresAt(raw));

        if (!allowed)
        {
            return (delivery, new Verdict.DeadLetter($"its reply-to '{StrangersText.Shown(raw.ReplyTo)}' is not in ReplyToAllowed"));
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

    // Without a timestamp the time in the queue is unknown, and the broker itself drops what expires there.
    private static DateTimeOffset? ExpiresAt(RawDelivery raw)
    {
        if (raw.UnixSeconds is not { } seconds
            || !long.TryParse(raw.Expiration, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            || seconds <= 0
            || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            || milliseconds > uint.MaxValue)
        {
            return null;
        }

        var sent = DateTimeOffset.FromUnixTimeSeconds(seconds);
        return DateTimeOffset.MaxValue - sent > TimeSpan.FromMilliseconds(milliseconds) ? sent.AddMilliseconds(milliseconds) : null;
    }
}
