namespace FerActors.Shared.Options;

/// <summary>Addresses as logs and people may see them.</summary>
public static class Redaction
{
    /// <summary>Stands for what is not shown.</summary>
    public const string Hidden = "(not shown)";

    /// <summary>
    /// A text without what signs in: of an address without its user, password and query; nothing of a text with an <c>@</c> that is
    /// no address, since where a mistyped one has its password cannot be known. Other texts as they are.
    /// </summary>
    /// <param name="text">A value as a person wrote it.</param>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var isAddress = Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Host.Length > 0;
        if (!text.Contains('@', StringComparison.Ordinal))
        {
            // A token may stand in a query, and a malformed address ends where its query begins all the same.
            var query = text.Contains("://", StringComparison.Ordinal) ? text.IndexOf('?', StringComparison.Ordinal) : -1;
            return query < 0 ? text : text[..query] + "?***";
        }

        if (!isAddress)
        {
            return Hidden;
        }

        var place = address!.Authority + (address.AbsolutePath == "/" && !text.EndsWith('/') ? "" : address.AbsolutePath);
        if (place.Contains('@', StringComparison.Ordinal))
        {
            return Hidden;
        }

        // The name of the actor system stands before the @ of a seed.
        var user = address.UserInfo is ClusterOptions.SystemName ? ClusterOptions.SystemName : "***";
        return $"{address.Scheme}://{(address.UserInfo.Length > 0 ? user + "@" : "")}{place}{(address.Query.Length > 0 ? "?***" : "")}";
    }
}
