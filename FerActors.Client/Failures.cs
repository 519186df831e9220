using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>Which exception a code of the queue contract or of the API is.</summary>
internal static class Failures
{
    /// <param name="code">The code.</param>
    /// <param name="message">A sentence for a person.</param>
    /// <param name="messageId">The message's id, if any.</param>
    /// <param name="result">The error result, if a node sent one.</param>
    /// <param name="retryAfter">When to ask again, if the API said so.</param>
    public static FerException Of(string code, string message, string? messageId, ClassificationResult? result = null, TimeSpan? retryAfter = null) => code switch
    {
        ErrorCodes.EmptyBody or ErrorCodes.UnsupportedFormat or ErrorCodes.TooLarge or ErrorCodes.CorruptImage or ErrorCodes.InvalidHeader
            or ErrorCodes.BadMessageId or ApiCodes.InvalidRequest => new FerImageException(code, message) { MessageId = messageId, Result = result },
        ErrorCodes.Overloaded or ApiCodes.BrokerUnavailable or ApiCodes.RateLimited =>
            new FerUnavailableException(code, message) { MessageId = messageId, Result = result, RetryAfter = retryAfter },
        ErrorCodes.Expired or ApiCodes.Timeout or ApiCodes.SlowBody => new FerTimeoutException(code, message) { MessageId = messageId, Result = result },
        ApiCodes.Unauthorized or ApiCodes.ForeignOrigin or ApiCodes.UnknownHost =>
            new FerAccessException(code, message) { MessageId = messageId, Result = result },
        _ => new FerNodeException(code, message) { MessageId = messageId, Result = result },
    };
}
