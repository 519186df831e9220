using FerActors.Shared.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FerActors.Host.Web;

/// <summary>
/// Keeps a web page from another place out of a listener. A page may point its own name at this machine (DNS rebinding), and the browser
/// then takes this listener for the page's server; the name in <c>Host</c> gives it away. A page may also send what needs no permission
/// to be sent (a form, a plain POST); the page's <c>Origin</c> gives it away.
/// </summary>
/// <param name="allowed">Names (<see cref="HostPattern"/>) beside those that are always good.</param>
/// <param name="origins">Origins beside the listener's own whose pages may send what changes something.</param>
/// <param name="section">The section of the options, for the sentences.</param>
internal sealed class HostGuard(IReadOnlyList<string> allowed, IReadOnlyList<string> origins, string section)
{
    private const string Loopback = "localhost";

    /// <summary>Why a request is not for this listener; <see langword="null"/> where it is.</summary>
    public string? RefusalOfHost(HttpRequest request) => IsKnown(request.Host.Host)
        ? null
        : $"This listener is not known by the name in the header Host; {section}:AllowedHosts takes further names.";

    /// <summary>Why a page may not send this request; <see langword="null"/> where it may, or where no page sends it.</summary>
    public string? RefusalOfOrigin(HttpRequest request)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return null;
        }

        return request.Headers.Origin.All(origin => IsOwn(origin, request) || origins.Contains(origin, StringComparer.OrdinalIgnoreCase))
            ? null
            : "Pages of another origin may not send this request.";
    }

    /// <summary>Refuses both before anything else sees the request.</summary>
    /// <param name="app">The listener's requests.</param>
    /// <param name="refuse">Writes the answer: the status and a sentence.</param>
    public void Use(IApplicationBuilder app, Func<HttpContext, int, string, Task> refuse) => app.Use((http, next) =>
        RefusalOfHost(http.Request) is { } host ? refuse(http, StatusCodes.Status421MisdirectedRequest, host)
        : RefusalOfOrigin(http.Request) is { } origin ? refuse(http, StatusCodes.Status403Forbidden, origin)
        : next(http));

    // Nobody can point an IP address at another machine, and no page's server is called localhost. A request without a name comes from
    // no browser.
    private bool IsKnown(string host)
    {
        var name = host.TrimEnd('.');
        return name.Length == 0
            || Uri.CheckHostName(name) is UriHostNameType.IPv4 or UriHostNameType.IPv6
            || string.Equals(name, Loopback, StringComparison.OrdinalIgnoreCase)
            || string.Equals(name, Environment.MachineName, StringComparison.OrdinalIgnoreCase)
            || allowed.Any(pattern => HostPattern.Covers(pattern, name));
    }

    // The scheme is a proxy's business. A default port is written in neither.
    private static bool IsOwn(string? origin, HttpRequest request) =>
        origin is not null
        && origin.IndexOf("://", StringComparison.Ordinal) is > 0 and var end
        && string.Equals(origin[(end + 3)..], request.Host.Value, StringComparison.OrdinalIgnoreCase);
}
