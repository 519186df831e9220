using FerActors.Shared.Protocol;

namespace FerActors.Host.Http.Requests;

/// <summary>The parameters of a request, as they become headers of the queue contract.</summary>
internal static class RequestParameters
{
    /// <summary>Checks the parameters; a form's field wins over the query's.</summary>
    /// <exception cref="ApiException">A value is not in the contract.</exception>
    public static IReadOnlyDictionary<string, string> ToHeaders(
        IReadOnlyDictionary<string, string> fields, string? faces, string? include, string? aligned, string? explain = null)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        Add(RequestHeaders.Faces, fields.GetValueOrDefault("faces") ?? faces);
        Add(RequestHeaders.Include, fields.GetValueOrDefault("include") ?? include);
        Add(RequestHeaders.Aligned, fields.GetValueOrDefault("aligned") ?? aligned);
        Add(RequestHeaders.Explain, fields.GetValueOrDefault("explain") ?? explain);
        return RequestHeaders.TryParse(headers.Select(h => KeyValuePair.Create(h.Key, (string?)h.Value)), out _, out var error)
            ? headers
            : throw new ApiException(ErrorCodes.InvalidHeader, error!.Replace($"The header {RequestHeaders.Prefix}", "The parameter ", StringComparison.Ordinal));

        void Add(string header, string? value)
        {
            if (value is not null)
            {
                headers[header] = value;
            }
        }
    }
}
