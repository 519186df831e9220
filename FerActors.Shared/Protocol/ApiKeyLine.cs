using System.Security.Cryptography;
using System.Text;

namespace FerActors.Shared.Protocol;

/// <summary>One accepted API key: whose it is, the SHA-256 of it, and what it may do. The key itself is nowhere.</summary>
/// <remarks>A plain hash is enough since keys are 256 random bits that <c>fer api-key</c> draws; a chosen password would need a slow one.</remarks>
/// <param name="Name">Whose key it is; shown in logs and counted for the rate limit.</param>
/// <param name="Hash">32 bytes.</param>
/// <param name="Rights">What it may do beyond classifying: <see cref="ModelsRight"/> or nothing.</param>
public sealed record ApiKeyLine(string Name, byte[] Hash, params IReadOnlyList<string> Rights)
{
    /// <summary>The right to decide which registered version serves.</summary>
    public const string ModelsRight = "models";

    private const int MaxNameLength = 64;

    /// <summary>Draws a key.</summary>
    /// <param name="name">Whose it is.</param>
    /// <param name="rights">What it may do beyond classifying.</param>
    /// <returns>The key, which goes to its user, and the line, which goes into the file.</returns>
    public static (string Key, ApiKeyLine Line) Create(string name, params IReadOnlyList<string> rights)
    {
        var key = "fer_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        return (key, new ApiKeyLine(name, HashOf(key), rights));
    }

    /// <summary>Whether a name may stand in a line.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= MaxNameLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@');

    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Whether there is such a right.</summary>
    public static bool IsRight(string right) => right == ModelsRight;

    /// <summary>Parses <c>NAME:SHA256</c> or <c>NAME:SHA256:RIGHT,RIGHT</c>, the hash as 64 hexadecimal digits.</summary>
    public static bool TryParse(string text, out ApiKeyLine line)
    {
        ArgumentNullException.ThrowIfNull(text);
        line = new ApiKeyLine("", []);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !IsName(text[..colon]))
        {
            return false;
        }

        var rest = text[(colon + 1)..].Split(':', 2, StringSplitOptions.TrimEntries);
        var digits = rest[0];
        string[] rights = rest.Length == 2 ? rest[1].Split(',', StringSplitOptions.TrimEntries) : [];
        if (digits.Length != 2 * SHA256.HashSizeInBytes || !digits.All(char.IsAsciiHexDigit) || !rights.All(IsRight))
        {
            return false;
        }

        line = new ApiKeyLine(text[..colon], Convert.FromHexString(digits), rights);
        return true;
    }

    public override string ToString() =>
        $"{Name}:{Convert.ToHexStringLower(Hash)}{(Rights.Count > 0 ? ":" + string.Join(',', Rights) : "")}";
}
