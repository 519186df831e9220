using System.Globalization;

namespace FerActors.Host.Commands.Line;

/// <summary>A time as a person writes it: so long ago (<c>90m</c>, <c>12h</c>, <c>7d</c>), or a date with a time.</summary>
internal static class Moment
{
    /// <param name="option">The option, for the sentence.</param>
    /// <param name="text">What was written; a time without a zone is UTC.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="UsageException">It is neither.</exception>
    public static DateTimeOffset Read(string option, string text, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > 1
            && Seconds(text[^1]) is { } unit
            && double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
            && amount * unit < (now - DateTimeOffset.UnixEpoch).TotalSeconds)
        {
            return now - TimeSpan.FromSeconds(amount * unit);
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : throw new UsageException($"{option} is '{text}'; it is a number with s, m, h or d (such as 12h), or a time such as 2026-03-01T12:00Z.");
    }

    private static double? Seconds(char unit) => unit switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => null };
}
