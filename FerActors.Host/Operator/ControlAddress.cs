using FerActors.Shared.Options;

namespace FerActors.Host.Operator;

/// <summary>Where a node's control endpoint is: exactly one of the two.</summary>
/// <param name="Socket">Path of a Unix domain socket.</param>
/// <param name="Server">Address of a TCP port.</param>
internal sealed record ControlAddress(string? Socket, Uri? Server)
{
    private const string SocketPrefix = "unix:";

    /// <param name="text"><c>unix:PATH</c>, a path, or <c>http://HOST:PORT</c>.</param>
    /// <exception cref="FormatException">It is none of them.</exception>
    public static ControlAddress Parse(string text)
    {
        if (text.StartsWith(SocketPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return new ControlAddress(text[SocketPrefix.Length..], null);
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        {
            return new ControlAddress(null, new Uri(uri, "/"));
        }

        return text.Length > 0 && !text.Contains("://", StringComparison.Ordinal)
            ? new ControlAddress(text, null)
            : throw new FormatException($"The endpoint '{Redaction.Of(text)}' is neither unix:PATH nor http://HOST:PORT.");
    }

    /// <summary>The endpoint of the node with these options: its socket where it has one.</summary>
    /// <exception cref="FormatException">They fix none.</exception>
    public static ControlAddress Of(ControlOptions options) => options switch
    {
        { Socket.Length: > 0 } => new ControlAddress(options.Socket, null),
        { Port: > 0 and { } port } => new ControlAddress(null, new UriBuilder("http", options.Address, port).Uri),
        _ => throw new FormatException("The options name no socket and no port; name the endpoint with --endpoint."),
    };

    public override string ToString() => Socket ?? Server!.GetLeftPart(UriPartial.Authority);
}
