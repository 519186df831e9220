using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FerActors.Training.Hub;

/// <summary>The two hashes by which the Hub names files: SHA-256 for large ones, git's blob hash for the rest.</summary>
internal static class BlobHash
{
    private const int GitDigits = 40;
    private const int Sha256Digits = 64;

    /// <summary>Whether an ETag is one of the two, in lower-case hex. Such a name cannot leave a folder either.</summary>
    public static bool IsHash(string etag) => etag.Length is GitDigits or Sha256Digits && etag.All(char.IsAsciiHexDigitLower);

    /// <summary>Hashes a file as its ETag was.</summary>
    /// <returns>Lower-case hex of the ETag's length.</returns>
    public static async Task<string> OfFileAsync(string path, string etag, CancellationToken cancellation)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, useAsync: true);
        await using (stream.ConfigureAwait(false))
        {
            if (etag.Length == Sha256Digits)
            {
                return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation).ConfigureAwait(false));
            }

            // git hashes "blob <length>\0" and then the content. SHA-1 is what git uses; it is not our choice of a signature.
#pragma warning disable CA5350
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
            hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {stream.Length}\0")));
            var buffer = new byte[1 << 16];
            int count;
            while ((count = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
            {
                hash.AppendData(buffer, 0, count);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }
}
