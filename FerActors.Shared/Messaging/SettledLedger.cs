using System.Collections.Immutable;

namespace FerActors.Shared.Messaging;

/// <summary>
/// Remembers messages whose result was confirmed while their acknowledgement could not be sent, so that each redelivery is
/// acknowledged without being processed again. A multiset: two messages of one identity are two entries. Bounded in number
/// and age; a forgotten entry costs a duplicate result, never a lost one.
/// </summary>
public sealed record SettledLedger
{
    private readonly ImmutableList<Entry> _entries = [];

    /// <param name="capacity">Entries that are kept, the newest ones.</param>
    /// <param name="maxAge">How long one is kept.</param>
    public SettledLedger(int capacity, TimeSpan maxAge)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Capacity = capacity;
        MaxAge = maxAge;
    }

    public int Capacity { get; }

    public TimeSpan MaxAge { get; }

    public int Count => Entries.Count;

    private ImmutableList<Entry> Entries
    {
        get => _entries;
        init => _entries = value;
    }

    public SettledLedger Remember(string identity, DateTimeOffset now)
    {
        var kept = Entries.RemoveAll(entry => now - entry.At > MaxAge).Add(new Entry(identity, now));
        return this with { Entries = kept.Count > Capacity ? kept.RemoveRange(0, kept.Count - Capacity) : kept };
    }

    /// <summary>Takes one entry out, the oldest of that identity.</summary>
    /// <param name="identity">What the message is known by.</param>
    /// <param name="now">The present moment.</param>
    /// <param name="rest">The ledger afterwards.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTake(string identity, DateTimeOffset now, out SettledLedger rest)
    {
        var index = Entries.FindIndex(entry => entry.Identity == identity && now - entry.At <= MaxAge);
        rest = index < 0 ? this : this with { Entries = Entries.RemoveAt(index) };
        return index >= 0;
    }

    private sealed record Entry(string Identity, DateTimeOffset At);
}
