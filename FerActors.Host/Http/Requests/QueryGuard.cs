using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace FerActors.Host.Http.Requests;

/// <summary>The query parameters of an endpoint.</summary>
/// <param name="Names">Their names, letters compared without case.</param>
internal sealed record QueryNames(params IReadOnlyList<string> Names);

/// <summary>Refuses query parameters that an endpoint does not have: most often they are misspelt, and the default would be taken in silence.</summary>
internal static class QueryGuard
{
    /// <summary>Refuses a request with an unknown parameter. Paths that are open to all take any: a browser or a probe may add some.</summary>
    public static Task CheckAsync(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<OpenToAll>() is null)
        {
            var known = endpoint.Metadata.GetMetadata<QueryNames>()?.Names ?? [];
            foreach (var name in http.Request.Query.Keys)
            {
                if (!known.Contains(name, StringComparer.OrdinalIgnoreCase))
                {
                    throw new ApiException(ApiCodes.InvalidRequest, Sentence($"The query parameter '{UntrustedText.Shown(name)}' is not known", name, known));
                }
            }
        }

        return next(http);
    }

    /// <summary>Says that a name is not known, and which one could have been meant.</summary>
    /// <param name="what">The sentence's beginning.</param>
    /// <param name="name">The unknown name.</param>
    /// <param name="known">The known ones.</param>
    public static string Sentence(string what, string name, IReadOnlyList<string> known) =>
        Spelling.Nearest(name, known) is { } near ? $"{what}; the nearest known one is {near}."
        : known.Count > 0 ? $"{what}; it must be one of {string.Join(", ", known)}."
        : $"{what}; this path takes none.";

    /// <summary>Names an endpoint's query parameters.</summary>
    public static RouteHandlerBuilder TakesQuery(this RouteHandlerBuilder endpoint, params IReadOnlyList<string> names) =>
        endpoint.WithMetadata(new QueryNames(names));
}
