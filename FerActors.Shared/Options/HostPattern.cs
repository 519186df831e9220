namespace FerActors.Shared.Options;

/// <summary>A name by which a listener may be called: <c>fer.example.org</c>, <c>*.example.org</c> for every name below, or <c>*</c> for any.</summary>
public static class HostPattern
{
    private const string Any = "*";
    private const string Below = "*.";
    private const int MaxLength = 253;

    /// <summary>Whether a text is a pattern; a port or a scheme is no part of one.</summary>
    public static bool IsPattern(string? text) =>
        text == Any
        || (text is { Length: > 0 and <= MaxLength }
            && Uri.CheckHostName(text.StartsWith(Below, StringComparison.Ordinal) ? text[Below.Length..] : text) != UriHostNameType.Unknown);

    /// <summary>Whether a pattern covers a host's name, without its port; letters are compared without case.</summary>
    public static bool Covers(string pattern, string host)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(host);
        return pattern == Any
            || (pattern.StartsWith(Below, StringComparison.Ordinal)
                ? host.Length >= pattern.Length && host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
                : string.Equals(pattern, host, StringComparison.OrdinalIgnoreCase));
    }

    internal static void Check(OptionErrors errors, string name, IEnumerable<string> patterns)
    {
        foreach (var pattern in patterns)
        {
            errors.Check(IsPattern(pattern), name, pattern, "a host's name without a port, such as fer.example.org, *.example.org or *");
        }
    }
}
