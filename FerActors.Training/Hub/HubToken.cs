namespace FerActors.Training.Hub;

/// <summary>An access token. It shows itself to nobody: neither printing, nor logging, nor serialising it gives its text.</summary>
public sealed class HubToken
{
    private HubToken(string value) => Value = value;

    internal string Value { get; }

    /// <summary>Takes a token; white space around it (a file ends with a line feed) is cut off.</summary>
    /// <returns><see langword="null"/> where nothing is left.</returns>
    /// <exception cref="HubException">It has characters that cannot stand in a header. The message does not quote it.</exception>
    public static HubToken? Create(string? text)
    {
        var trimmed = text?.Trim();
        if (string.IsNullOrEmpty(trimmed))
        {
            return null;
        }

        return trimmed.All(letter => letter is > ' ' and <= '~')
            ? new HubToken(trimmed)
            : throw HubException.Invalid("The Hub's access token has characters that cannot stand in a header.");
    }

    public override string ToString() => "(hidden)";
}
