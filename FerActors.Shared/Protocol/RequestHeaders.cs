using System.Globalization;

namespace FerActors.Shared.Protocol;

/// <summary>Names and values of the headers that a publisher may set, and their strict parser.</summary>
/// <remarks>
/// Headers that do not start with <c>x-fer-</c> belong to somebody else (tracing, dead-lettering, the client library) and are
/// ignored. An unknown <c>x-fer-</c> header is ignored as well, so that a newer publisher can talk to an older node; a known
/// header with a wrong value is refused, since guessing would classify something the publisher did not ask for.
/// </remarks>
public static class RequestHeaders
{
    public const string Prefix = "x-fer-";

    /// <summary><c>all</c> (default) or <c>largest</c>.</summary>
    public const string Faces = "x-fer-faces";

    /// <summary>Comma-separated list of <c>landmarks</c>, <c>attention</c>, <c>crop</c>.</summary>
    public const string Include = "x-fer-include";

    /// <summary><c>true</c> where the image already is an aligned crop of one face; <c>false</c> is the default.</summary>
    public const string Aligned = "x-fer-aligned";

    /// <summary><c>rollout</c>, <c>gradient</c> or <c>gradient:NAME</c>: an explanation of each face.</summary>
    public const string Explain = "x-fer-explain";

    /// <summary>Whole milliseconds from the delivery to a node, in which work on the image must have begun: 1 to 86400000.</summary>
    public const string Deadline = "x-fer-deadline-ms";

    private static readonly TimeSpan LongestDeadline = TimeSpan.FromDays(1);

    /// <summary>The headers that ask for this and for nothing else; what is the default has none. The opposite of <see cref="TryParse"/>.</summary>
    public static IReadOnlyDictionary<string, string> Of(RequestOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        if (options.Faces == FaceSelection.Largest)
        {
            headers[Faces] = "largest";
        }

        if (options.Include != IncludeParts.None)
        {
            headers[Include] = options.Include.ToString().Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
        }

        if (options.Aligned)
        {
            headers[Aligned] = "true";
        }

        if (options.Explain is { } explain)
        {
            headers[Explain] = explain.Label is { } label ? $"{explain.Method}:{label}".ToLowerInvariant() : explain.Method.ToString().ToLowerInvariant();
        }

        if (options.Deadline is { } deadline)
        {
            headers[Deadline] = ((long)deadline.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        }

        return headers;
    }

    /// <summary>Parses the headers.</summary>
    /// <param name="headers">Header names and their values as text; names are compared without case.</param>
    /// <param name="options">What was asked for; the default where the answer is an error.</param>
    /// <param name="error">A sentence for the publisher where a value is wrong.</param>
    public static bool TryParse(IEnumerable<KeyValuePair<string, string?>> headers, out RequestOptions options, out string? error)
    {
        ArgumentNullException.ThrowIfNull(headers);
        options = RequestOptions.Default;
        error = null;
        foreach (var (name, value) in headers)
        {
            if (string.Equals(name, Faces, StringComparison.OrdinalIgnoreCase))
            {
                if (!TryParseFaces(value, out var faces))
                {
                    error = Refuse(Faces, value, "'all' or 'largest'");
                }
                else
                {
                    options = options with { Faces = faces };
                }
            }
            else if (string.Equals(name, Include, StringComparison.OrdinalIgnoreCase))
            {
                if (!TryParseInclude(value, out var include))
                {
                    error = Refuse(Include, value, "a comma-separated list of 'landmarks', 'attention' and 'crop'");
                }
                else
                {
                    options = options with { Include = include };
                }
            }
            else if (string.Equals(name, Aligned, StringComparison.OrdinalIgnoreCase))
            {
                if (!bool.TryParse(value, out var aligned))
                {
                    error = Refuse(Aligned, value, "'true' or 'false'");
                }
                else
                {
                    options = options with { Aligned = aligned };
                }
            }

            else if (string.Equals(name, Explain, StringComparison.OrdinalIgnoreCase))
            {
                if (!ExplanationRequest.TryParse(value, out var explain))
                {
                    error = Refuse(Explain, value, "'rollout', 'gradient' or 'gradient:' and an expression");
                }
                else
                {
                    options = options with { Explain = explain };
                }
            }
            else if (string.Equals(name, Deadline, StringComparison.OrdinalIgnoreCase))
            {
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
                    || milliseconds < 1
                    || milliseconds > LongestDeadline.TotalMilliseconds)
                {
                    error = Refuse(Deadline, value, "a whole number of milliseconds from 1 to 86400000");
                }
                else
                {
                    options = options with { Deadline = TimeSpan.FromMilliseconds(milliseconds) };
                }
            }

            if (error is not null)
            {
                options = RequestOptions.Default;
                return false;
            }
        }

        return true;
    }

    private static bool TryParseFaces(string? value, out FaceSelection faces)
    {
        faces = FaceSelection.All;
        switch (value?.Trim().ToLowerInvariant())
        {
            case "all":
                return true;
            case "largest":
                faces = FaceSelection.Largest;
                return true;
            default:
                return false;
        }
    }

    private static bool TryParseInclude(string? value, out IncludeParts include)
    {
        include = IncludeParts.None;
        if (value is null)
        {
            return false;
        }

        foreach (var part in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            switch (part.ToLowerInvariant())
            {
                case "landmarks":
                    include |= IncludeParts.Landmarks;
                    break;
                case "attention":
                    include |= IncludeParts.Attention;
                    break;
                case "crop":
                    include |= IncludeParts.Crop;
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    // The value comes from a stranger and ends up in a log line and a result: it is cut and stripped of control characters.
    private static string Refuse(string header, string? value, string expected)
    {
        var shown = new string((value ?? "").Take(40).Select(c => char.IsControl(c) ? '?' : c).ToArray());
        return $"The header {header} is '{shown}'; it must be {expected}.";
    }
}
