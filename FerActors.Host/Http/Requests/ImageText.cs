using System.Buffers.Text;
using System.Text;

namespace FerActors.Host.Http.Requests;

/// <summary>Reads the bytes of an image from a text: base64 of either alphabet, with or without padding and line breaks, or a data URL of it.</summary>
internal static class ImageText
{
    private const string Scheme = "data:";
    private const string Marker = ";base64";

    /// <param name="text">The text.</param>
    /// <param name="image">The bytes.</param>
    /// <param name="fault">Where it is none: why, to stand behind the name of the text.</param>
    public static bool TryDecode(string text, out byte[] image, out string? fault)
    {
        (image, fault) = ([], null);
        var coded = text.AsSpan().Trim();
        if (coded.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            var comma = coded.IndexOf(',');
            if (comma < 0 || !coded[..comma].TrimEnd().EndsWith(Marker, StringComparison.OrdinalIgnoreCase))
            {
                fault = "is a data URL without base64";
                return false;
            }

            coded = coded[(comma + 1)..];
        }
        else if (coded.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || coded.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            fault = "is an address; images are sent, not fetched";
            return false;
        }

        // The reader of the URL's alphabet takes what is not padded; the other alphabet has two letters of its own.
        var plain = new StringBuilder(coded.Length);
        foreach (var c in coded)
        {
            if (!char.IsWhiteSpace(c))
            {
                plain.Append(c switch { '+' => '-', '/' => '_', _ => c });
            }
        }

        try
        {
            image = Base64Url.DecodeFromChars(plain.ToString());
            return true;
        }
        catch (FormatException)
        {
            fault = "is not base64";
            return false;
        }
    }
}
