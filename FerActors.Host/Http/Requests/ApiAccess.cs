using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;

namespace FerActors.Host.Http.Requests;

/// <summary>Marks an endpoint that answers without a key and outside the limits: health, description, the page.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OpenToAll : Attribute
{
    public static OpenToAll Instance { get; } = new();
}

/// <summary>Who calls, whether they may, and how often.</summary>
internal sealed class ApiAccess(ApiOptions options, ApiKeyRing keys, TimeProvider time)
{
    // Of all callers, in multiples of what is answered at once.
    private const int QueueFactor = 8;

    /// <summary>The header that carries the key; <c>Authorization: Bearer KEY</c> does as well.</summary>
    public const string KeyHeader = "X-Api-Key";

    private const string Bearer = "Bearer ";

    private static readonly object CallerItem = new();

    private readonly FairShares _shares = new(
        options.MaxConcurrentRequests, keepsReserve: true, options.MaxQueuedPerCaller, QueueFactor * options.MaxConcurrentRequests, time);

    /// <summary>The caller's name; absent without a key that is known.</summary>
    public static string? CallerOf(HttpContext http) => (http.Items[CallerItem] as ApiKeyLine)?.Name;

    /// <summary>Refuses a caller whose key lacks a right. Who may call without a key has none.</summary>
    /// <exception cref="ApiException">The right is missing.</exception>
    public static void Require(HttpContext http, string right)
    {
        if ((http.Items[CallerItem] as ApiKeyLine)?.Rights.Contains(right) != true)
        {
            throw new ApiException(ApiCodes.Forbidden, $"This needs an API key with the right '{right}' (fer api-key NAME --right {right}).");
        }
    }

    /// <summary>Learns who calls. It refuses nobody yet, so that guesses at keys are counted by the rate limit.</summary>
    public Task IdentifyAsync(HttpContext http, RequestDelegate next)
    {
        http.Items[CallerItem] = keys.Find(PresentedKey(http.Request));
        return next(http);
    }

    /// <summary>Refuses who needs a key and has none.</summary>
    public Task AdmitAsync(HttpContext http, RequestDelegate next)
    {
        if (!options.NeedsKey || IsOpen(http) || CallerOf(http) is not null || http.GetEndpoint() is null)
        {
            return next(http);
        }

        http.Response.Headers.WWWAuthenticate = "Bearer";
        return ApiProblems.WriteAsync(
            http, ApiCodes.Unauthorized, $"An API key is needed in the header {KeyHeader} or as Authorization: Bearer; the one given, if any, is not known.");
    }

    /// <summary>A token bucket for each caller.</summary>
    public void Limit(RateLimiterOptions limiter)
    {
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http => IsOpen(http) || options.RatePerSecond == 0
            ? RateLimitPartition.GetNoLimiter("")
            : RateLimitPartition.GetTokenBucketLimiter(ShareOf(http), _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = options.RateBurst,
                TokensPerPeriod = options.RatePerSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                QueueLimit = 0,
            }));
        limiter.OnRejected = async (rejected, _) =>
        {
            var http = rejected.HttpContext;
            if (rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait))
            {
                http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            }

            await ApiProblems.WriteAsync(
                http, ApiCodes.RateLimited, $"More than {options.RatePerSecond} requests a second; see the header Retry-After.");
        };
    }

    /// <summary>Waits for a fair share of what is held in memory at once. Who is refused before has taken none of it.</summary>
    public async Task ShareAsync(HttpContext http, RequestDelegate next)
    {
        if (IsOpen(http) || http.GetEndpoint() is null)
        {
            await next(http);
            return;
        }

        using var place = await _shares.EnterAsync(ShareOf(http), options.QueueTimeout, http.RequestAborted);
        if (place is null)
        {
            await ApiProblems.WriteAsync(
                http, ErrorCodes.Overloaded, "Too many requests are being answered already, of this caller or in all; try again later.");
            return;
        }

        await next(http);
    }

    /// <summary>Who shares limits with others: a key's name, or without a key the address of the connection, of IPv6 its network.</summary>
    public static string ShareOf(HttpContext http) =>
        CallerOf(http) is { } caller ? "key:" + caller : "address:" + Network(http.Connection.RemoteIpAddress);

    private static bool IsOpen(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<OpenToAll>() is not null;

    // A host on IPv6 has 2^64 addresses of its own. A header such as X-Forwarded-For is the client's word and counts for nothing.
    private static IPAddress? Network(IPAddress? address)
    {
        if (address is not { AddressFamily: AddressFamily.InterNetworkV6 } || address.IsIPv4MappedToIPv6)
        {
            return address?.MapToIPv4();
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(bytes.Length / 2).Clear();
        return new IPAddress(bytes);
    }

    private static string? PresentedKey(HttpRequest request)
    {
        if (request.Headers[KeyHeader] is [{ } key])
        {
            return key;
        }

        return request.Headers.Authorization is [{ } authorization] && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? authorization[Bearer.Length..].Trim()
            : null;
    }
}
