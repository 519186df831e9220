using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FerActors.Shared.Retention;

/// <summary>The name of a retained image: when it was written, and a hash of its message id, which strangers choose and which may be no file name.</summary>
/// <param name="At">When it was written, to the second.</param>
/// <param name="Hash">Starts SHA-256 of the message id; lower-case hex.</param>
public sealed record RetainedName(DateTimeOffset At, string Hash)
{
    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const string Suffix = ".ferimg";
    private const int HashLength = 32;

    /// <summary>Matches the files of a message, whenever they were written.</summary>
    public static string PatternOf(string messageId) => $"*-{HashOf(messageId)}{Suffix}";

    /// <summary>Matches all files.</summary>
    public static string Pattern => "*" + Suffix;

    public static RetainedName Of(string messageId, DateTimeOffset at) => new(at, HashOf(messageId));

    /// <summary>Reads a file's name.</summary>
    public static bool TryParse(string file, out RetainedName? name)
    {
        name = null;
        if (file.EndsWith(Suffix, StringComparison.Ordinal)
            && file[..^Suffix.Length].Split('-') is [var time, { Length: HashLength } hash]
            && hash.All(char.IsAsciiHexDigitLower)
            && DateTimeOffset.TryParseExact(
                time, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at))
        {
            name = new RetainedName(at, hash);
        }

        return name is not null;
    }

    public override string ToString() => $"{At.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{Hash}{Suffix}";

    /// <summary>Whether an image is among the share that is kept: the same on every node and at every delivery.</summary>
    public static bool IsKept(string messageId, double share) =>
        BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(messageId))) < share * (uint.MaxValue + 1.0);

    private static string HashOf(string messageId) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(messageId)))[..HashLength];
}

/// <param name="Path">Where it is.</param>
/// <param name="At">When it was written.</param>
/// <param name="Bytes">Its size.</param>
public sealed record RetainedFile(string Path, DateTimeOffset At, long Bytes);
