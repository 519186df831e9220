using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace FerActors.Training.Hub;

/// <summary>
/// Single requests to the Hub, as its own client makes them. Redirects are followed by hand: relative ones keep the token, and it
/// never goes to another scheme, host or port than the Hub's.
/// </summary>
internal sealed class HubConnection : IDisposable
{
    private const int MaxRedirects = 5;

    private readonly HubOptions _options;
    private readonly HttpClient _http;

    public HubConnection(HubOptions options)
    {
        _options = options;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            ConnectTimeout = options.AnswerTimeout,
        };
        _http = new HttpClient(handler, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("fer-actors", "1"));
        _http.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    /// <summary>Asks what a file is and where its bytes are.</summary>
    /// <returns><see langword="null"/> where the revision has no such file.</returns>
    /// <exception cref="HubException">The Hub refuses.</exception>
    /// <exception cref="HubTransientException">Another attempt may succeed.</exception>
    public async Task<HubFile?> DescribeAsync(HubModelId model, string revision, string file, CancellationToken cancellation)
    {
        var uri = new Uri($"{_options.Endpoint.AbsoluteUri.TrimEnd('/')}/{model.Repository}/resolve/{Uri.EscapeDataString(revision)}/{Uri.EscapeDataString(file)}");
        for (var redirects = 0; ; redirects++)
        {
            using var response = await SendAsync(HttpMethod.Head, uri, null, cancellation).ConfigureAwait(false);
            if (!IsRedirect(response.StatusCode))
            {
                return Refusal(response, model, file) switch
                {
                    null => Describe(response, model, file, uri),
                    { Failure: HubFailure.FileNotFound } => null,
                    { } refusal => throw refusal,
                };
            }

            var location = response.Headers.Location ?? throw Broken(file, "redirects to nowhere");
            var target = Absolute(uri, location, file);
            var relative = !location.IsAbsoluteUri && IsSameOrigin(target, uri);
            if (!relative && (ETagOf(response) is not null || !IsSameOrigin(target, uri)))
            {
                // The bytes lie elsewhere; what they are was said here, by the Hub itself.
                return Describe(response, model, file, target);
            }

            uri = redirects < MaxRedirects ? target : throw Broken(file, "redirects without end");
        }
    }

    /// <summary>Opens the bytes of a file.</summary>
    /// <param name="file">From <see cref="DescribeAsync"/>.</param>
    /// <param name="from">First byte.</param>
    /// <param name="validator">A strong ETag that has to hold still for a part to be sent; or <see langword="null"/>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>An answer of status 200, 206 or 416. The caller disposes it.</returns>
    /// <exception cref="HubTransientException">Another attempt may succeed.</exception>
    public async Task<HttpResponseMessage> OpenAsync(HubFile file, long from, string? validator, CancellationToken cancellation)
    {
        var uri = file.Location;

        // Once the way has left the Hub it may not come back with the token: whoever redirected would have chosen what it opens.
        var trusted = true;
        for (var redirects = 0; ; redirects++)
        {
            trusted &= IsSameOrigin(uri, _options.Endpoint);
            var response = await SendAsync(
                HttpMethod.Get,
                uri,
                request =>
                {
                    if (!trusted)
                    {
                        request.Headers.Authorization = null;
                    }

                    if (from > 0)
                    {
                        request.Headers.Range = new RangeHeaderValue(from, null);
                        request.Headers.IfRange = validator is null ? null : new RangeConditionHeaderValue(new EntityTagHeaderValue(validator));
                    }
                },
                cancellation).ConfigureAwait(false);
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                return response;
            }

            using (response)
            {
                if (!IsRedirect(response.StatusCode))
                {
                    // A signed address expires (403, 404 ...); the next attempt asks the Hub for a new one.
                    throw Transient(response, $"{file.Name}: {uri.Host} answered {(int)response.StatusCode}");
                }

                var location = response.Headers.Location ?? throw Broken(file.Name, "redirects to nowhere");
                uri = redirects < MaxRedirects ? Absolute(uri, location, file.Name) : throw Broken(file.Name, "redirects without end");
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private static bool IsRedirect(HttpStatusCode status) => (int)status is 301 or 302 or 303 or 307 or 308;

    private static bool IsSameOrigin(Uri left, Uri right) =>
        left.Scheme == right.Scheme && left.Port == right.Port && string.Equals(left.IdnHost, right.IdnHost, StringComparison.OrdinalIgnoreCase);

    private static Uri Absolute(Uri from, Uri location, string file)
    {
        var target = location.IsAbsoluteUri ? location : new Uri(from, location);
        return target.Scheme is "http" or "https" ? target : throw Broken(file, "redirects to an address that is neither http nor https");
    }

    private static string? ETagOf(HttpResponseMessage response)
    {
        var text = Header(response, "X-Linked-Etag") ?? Header(response, "ETag");
        return text is null ? null : (text.StartsWith("W/", StringComparison.Ordinal) ? text[2..] : text).Trim('"');
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static HubException Broken(string file, string what) => new(HubFailure.Protocol, $"{file}: the Hub {what}.");

    private static HubTransientException Transient(HttpResponseMessage response, string message)
    {
        var after = response.Headers.RetryAfter;
        var wait = after?.Delta ?? (after?.Date is { } date ? date - DateTimeOffset.UtcNow : null);
        return new HubTransientException(message, wait is { } given && given > TimeSpan.Zero ? given : null);
    }

    private static HubFile Describe(HttpResponseMessage response, HubModelId model, string file, Uri location)
    {
        var etag = ETagOf(response) ?? throw Broken(file, "gives no ETag, so that the file could not be verified");
        if (!BlobHash.IsHash(etag))
        {
            throw Broken(file, "gives an ETag that is neither a SHA-256 nor a git hash, so that the file could not be verified");
        }

        var commit = Header(response, "X-Repo-Commit");
        if (commit is null || !HubModelId.IsCommitText(commit))
        {
            throw Broken(file, $"does not say which commit of {model} the file is of (is HF_ENDPOINT a Hub?)");
        }

        var linked = Header(response, "X-Linked-Size");
        var size = linked is null ? (IsRedirect(response.StatusCode) ? null : response.Content.Headers.ContentLength) : Number(linked);
        var validator = IsRedirect(response.StatusCode) || response.Headers.ETag is not { IsWeak: false } strong ? null : strong.Tag;
        return size is { } bytes && bytes >= 0
            ? new HubFile(file, commit, etag, bytes, location, validator)
            : throw Broken(file, "does not say how long the file is");
    }

    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private HubException? Refusal(HttpResponseMessage response, HubModelId model, string file)
    {
        var status = (int)response.StatusCode;
        if (response.IsSuccessStatusCode)
        {
            return null;
        }

        if (status is 408 or 429 or >= 500)
        {
            throw Transient(response, $"{file}: the Hub answered {status}");
        }

        var hint = _options.Token is null ? "Put an access token into HF_TOKEN." : "The token in use does not open it.";
        return (status, Header(response, "X-Error-Code")) switch
        {
            (401 or 403, "GatedRepo") => new HubException(
                HubFailure.Gated, $"{model.Repository} is gated: accept its terms on the Hub's page, with the account of the token. {hint}"),
            (404, "RepoNotFound") => new HubException(HubFailure.RepositoryNotFound, $"The Hub has no model {model.Repository}, or it is private. {hint}"),
            (404, "RevisionNotFound") => new HubException(HubFailure.RevisionNotFound, $"{model.Repository} has no revision {model.Revision}."),
            (404, _) => new HubException(HubFailure.FileNotFound, $"{model} has no {file}."),

            // The Hub answers so, too, where there is no such repository: who may not see it is not told whether it exists.
            (401, _) => new HubException(HubFailure.Unauthorised, $"{model.Repository} does not exist, or is private or gated (401). {hint}"),
            (403, _) => new HubException(HubFailure.Gated, $"The Hub refuses {model.Repository} (403): it is gated or disabled. {hint}"),
            _ => Broken(file, $"answered {status}"),
        };
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri uri, Action<HttpRequestMessage>? prepare, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, uri);
        if (_options.Token is { } token && IsSameOrigin(uri, _options.Endpoint))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Value);
        }

        prepare?.Invoke(request);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.AnswerTimeout);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new HubTransientException($"{uri.Host} did not answer within {_options.AnswerTimeout.TotalSeconds:0.#} s", null, e);
        }
        catch (HttpRequestException e)
        {
            throw new HubTransientException($"{uri.Host} cannot be reached: {e.Message}", null, e);
        }
    }
}

/// <summary>An attempt failed in a way that another may not.</summary>
internal sealed class HubTransientException(string message, TimeSpan? retryAfter, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What the server asked for.</summary>
    public TimeSpan? RetryAfter => retryAfter;
}
