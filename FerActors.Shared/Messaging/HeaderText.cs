using System.Globalization;
using System.Text;

namespace FerActors.Shared.Messaging;

/// <summary>Turns AMQP header values into text. Clients differ: the same <c>true</c> arrives as a boolean, as a string or as bytes.</summary>
public static class HeaderText
{
    /// <summary>Bytes that a value may have; every value of the contract is far shorter.</summary>
    public const int MaxBytes = 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Picks the headers whose names start with a prefix (without case) and turns their values into text.</summary>
    public static IReadOnlyList<KeyValuePair<string, string?>> Select(IEnumerable<KeyValuePair<string, object?>>? headers, string prefix) =>
        headers is null
            ? []
            : [.. headers
                .Where(header => header.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                .Select(header => KeyValuePair.Create(header.Key, From(header.Value)))];

    /// <summary>One value as text.</summary>
    /// <returns><see langword="null"/> for what has no text: nothing, tables, lists, timestamps, bytes that are not UTF-8 or too many.</returns>
    public static string? From(object? value) => value switch
    {
        string text => Encoding.UTF8.GetByteCount(text) <= MaxBytes ? text : null,
        byte[] bytes => FromBytes(bytes),
        bool flag => flag ? "true" : "false",
        byte or sbyte or short or ushort or int or uint or long or ulong or float or double or decimal =>
            Convert.ToString(value, CultureInfo.InvariantCulture),
        _ => null,
    };

    private static string? FromBytes(byte[] bytes)
    {
        if (bytes.Length > MaxBytes)
        {
            return null;
        }

        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
