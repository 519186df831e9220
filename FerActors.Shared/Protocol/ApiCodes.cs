namespace FerActors.Shared.Protocol;

/// <summary>The reasons that only the HTTP API has, beside <see cref="ErrorCodes"/>, and the HTTP status of every reason.</summary>
public static class ApiCodes
{
    /// <summary>The body is not what the endpoint takes: malformed multipart or JSON, no image in it or several.</summary>
    public const string InvalidRequest = "invalid_request";

    /// <summary>No API key, or one that is not known.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>The request is for another host's name than this API is called by.</summary>
    public const string UnknownHost = "unknown_host";

    /// <summary>A page of another origin sent what only the API's own page may send.</summary>
    public const string ForeignOrigin = "foreign_origin";

    /// <summary>The key lacks the right to do this.</summary>
    public const string Forbidden = "forbidden";

    public const string NotFound = "not_found";

    /// <summary>An image that the client named by its address did not come.</summary>
    public const string FetchFailed = "fetch_failed";

    /// <summary>The model registry has decided against it.</summary>
    public const string Refused = "refused";

    /// <summary>The model registry does not answer, or this node has no way to it.</summary>
    public const string RegistryUnavailable = "registry_unavailable";

    /// <summary>Feedback on a result that this node does not remember, without what the result said.</summary>
    public const string UnknownResult = "unknown_result";

    public const string MethodNotAllowed = "method_not_allowed";

    /// <summary>The body did not arrive in time.</summary>
    public const string SlowBody = "slow_body";

    /// <summary>More requests than the rate limit allows.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>The broker cannot be reached, takes nothing for now, or no node has declared its queue yet.</summary>
    public const string BrokerUnavailable = "broker_unavailable";

    /// <summary>No node answered in time.</summary>
    public const string Timeout = "timeout";

    /// <summary>The HTTP status that says the same; 500 for what is unknown.</summary>
    public static int StatusOf(string code) => code switch
    {
        ErrorCodes.EmptyBody or ErrorCodes.InvalidHeader or ErrorCodes.BadMessageId or InvalidRequest => 400,
        Unauthorized => 401,
        ForeignOrigin or Forbidden => 403,
        NotFound or UnknownResult => 404,
        MethodNotAllowed => 405,
        SlowBody => 408,
        Refused => 409,
        ErrorCodes.TooLarge => 413,
        ErrorCodes.UnsupportedFormat => 415,
        UnknownHost => 421,
        ErrorCodes.CorruptImage => 422,
        RateLimited => 429,
        FetchFailed => 502,
        ErrorCodes.Overloaded or BrokerUnavailable or RegistryUnavailable => 503,
        ErrorCodes.Expired or Timeout => 504,
        _ => 500,
    };

    /// <summary>The reason behind a status that the server itself gave.</summary>
    public static string CodeOf(int status) => status switch
    {
        401 => Unauthorized,
        403 => ForeignOrigin,
        404 => NotFound,
        405 => MethodNotAllowed,
        408 => SlowBody,
        413 => ErrorCodes.TooLarge,
        421 => UnknownHost,
        429 => RateLimited,
        >= 400 and < 500 => InvalidRequest,
        _ => ErrorCodes.Internal,
    };
}
