namespace FerActors.Shared.Protocol;

/// <summary>The machine-readable reasons an error result may carry. Published in docs/protocol.md; never renamed, only added to.</summary>
public static class ErrorCodes
{
    /// <summary>The message has no body.</summary>
    public const string EmptyBody = "empty_body";

    /// <summary>The body is not one of the accepted image formats, or a variant of one that is not accepted.</summary>
    public const string UnsupportedFormat = "unsupported_format";

    /// <summary>The body, or the picture that its header announces, is over the limits. Decided before any pixel is decoded.</summary>
    public const string TooLarge = "too_large";

    /// <summary>The header is that of an accepted format, but the picture cannot be decoded.</summary>
    public const string CorruptImage = "corrupt_image";

    /// <summary>An <c>x-fer-</c> header has a value that is not in the contract.</summary>
    public const string InvalidHeader = "invalid_header";

    /// <summary>The message's id or correlation id is not UTF-8, so that the result cannot carry it back.</summary>
    public const string BadMessageId = "bad_message_id";

    /// <summary>The message's own deadline ran out before the model saw it, or the queue timeout where it has a deadline.</summary>
    public const string Expired = "expired";

    /// <summary>The node's bounded queue was full.</summary>
    public const string Overloaded = "overloaded";

    /// <summary>The model gave no usable answer (for example non-finite probabilities).</summary>
    public const string ModelFailure = "model_failure";

    /// <summary>A fault inside FerActors that is none of the above; the log has its cause.</summary>
    public const string Internal = "internal_error";
}
