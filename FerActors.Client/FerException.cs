using FerActors.Shared.Protocol;

namespace FerActors.Client;

/// <summary>Why an image has no result. The type says what to do about it, <see cref="Code"/> says it to programs.</summary>
public abstract class FerException : Exception
{
    private protected FerException(string code, string message, Exception? cause)
        : base(message, cause)
    {
        Code = code;
    }

    /// <summary>A code of <see cref="ErrorCodes"/>, or one that only the API has, such as <c>rate_limited</c>.</summary>
    public string Code { get; }

    /// <summary>Whether the same image may succeed when it is sent again later.</summary>
    public bool IsTransient => this is FerUnavailableException or FerTimeoutException || Code == ErrorCodes.Internal;

    /// <summary>The message's id, where there was a message.</summary>
    public string? MessageId { get; internal init; }

    /// <summary>The error result as a node sent it; absent where no node answered, and over HTTP.</summary>
    public ClassificationResult? Result { get; internal init; }
}

/// <summary>The image, or what was asked for, is refused: empty, too large, damaged, of no accepted format, or with a wrong option.</summary>
public sealed class FerImageException : FerException
{
    internal FerImageException(string code, string message, Exception? cause = null)
        : base(code, message, cause)
    {
    }
}

/// <summary>Broker, API or nodes take nothing now: no connection, no queue, a full one, an alarm, or too many requests.</summary>
public sealed class FerUnavailableException : FerException
{
    internal FerUnavailableException(string code, string message, Exception? cause = null)
        : base(code, message, cause)
    {
    }

    /// <summary>When the API wants to be asked again; absent where it did not say.</summary>
    public TimeSpan? RetryAfter { get; internal init; }
}

/// <summary>The image was sent, and no result came in time. A node may still classify it; that result is dropped.</summary>
public sealed class FerTimeoutException : FerException
{
    internal FerTimeoutException(string code, string message, Exception? cause = null)
        : base(code, message, cause)
    {
    }
}

/// <summary>The broker refuses the user, its password or a right; the API refuses the key or the name by which it was called.</summary>
public sealed class FerAccessException : FerException
{
    internal FerAccessException(string code, string message, Exception? cause = null)
        : base(code, message, cause)
    {
    }
}

/// <summary>A node could not classify the image, or answered with what is no result.</summary>
public sealed class FerNodeException : FerException
{
    internal FerNodeException(string code, string message, Exception? cause = null)
        : base(code, message, cause)
    {
    }
}
