using System.CommandLine;

namespace FerActors.Host.Commands.Line;

/// <summary>A command as its user may give it again, for cards and reports.</summary>
internal static class CommandText
{
    /// <param name="parsed">The command line.</param>
    /// <param name="wanted">Says which of its words are repeated; all are by default.</param>
    public static string Of(ParseResult parsed, Func<string, bool>? wanted = null) =>
        "./run " + string.Join(' ', parsed.Tokens.Select(t => t.Value).Where(word => wanted?.Invoke(word) ?? true));
}
