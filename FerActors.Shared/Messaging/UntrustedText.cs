namespace FerActors.Shared.Messaging;

/// <summary>Makes text from outside fit for a log line: short, and without control characters that could forge further lines.</summary>
public static class UntrustedText
{
    /// <summary>Characters that are shown at most.</summary>
    public const int MaxLength = 80;

    public static string Shown(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var length = Math.Min(text.Length, MaxLength);
        var shown = string.Create(length, text, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
            {
                // Line and paragraph separators and format characters (bidirectional overrides) mislead readers as well.
                target[i] = char.IsControl(source[i]) || char.GetUnicodeCategory(source[i]) is
                    System.Globalization.UnicodeCategory.LineSeparator or
                    System.Globalization.UnicodeCategory.ParagraphSeparator or
                    System.Globalization.UnicodeCategory.Format or
                    System.Globalization.UnicodeCategory.Surrogate
                    ? '?'
                    : source[i];
            }
        });
        return length < text.Length ? shown + "..." : shown;
    }
}
