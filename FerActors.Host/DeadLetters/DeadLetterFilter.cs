namespace FerActors.Host.DeadLetters;

/// <summary>Which dead letters are meant: those that meet everything that is given.</summary>
/// <param name="Reason">A part of the reason, without regard to case.</param>
/// <param name="Ids">Message ids, or digests of bodies; none for all.</param>
/// <param name="Before">Only those that were dead by this time.</param>
/// <param name="After">Only those that became so at this time or later.</param>
internal sealed record DeadLetterFilter(string? Reason, IReadOnlyCollection<string> Ids, DateTimeOffset? Before, DateTimeOffset? After)
{
    /// <summary>Nothing is given: all are meant.</summary>
    public bool IsOpen => Reason is null && Ids.Count == 0 && Before is null && After is null;

    /// <summary>Whether it is meant. One whose time nobody wrote down is in no span of time.</summary>
    public bool Matches(DeadLetter letter) =>
        (Reason is null || letter.Reason.Contains(Reason, StringComparison.OrdinalIgnoreCase))
        && (Ids.Count == 0 || Ids.Contains(letter.Id) || Ids.Contains(letter.Digest))
        && (Before is null || letter.Since <= Before)
        && (After is null || letter.Since >= After);
}
