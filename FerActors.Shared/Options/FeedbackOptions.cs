namespace FerActors.Shared.Options;

/// <summary>Where a node of the role <c>control</c> keeps what people say of results, and for how long.</summary>
public sealed record FeedbackOptions
{
    public const string Section = "Feedback";

    /// <summary>Whether the node takes feedback from the queue. Where no node does, the API refuses it.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Holds one file of JSON lines for each day. Nodes that take turns (only one takes feedback at a time) should share it.</summary>
    public string Folder { get; init; } = "data/feedback";

    /// <summary>Faces of each version over which the accuracy in production is taken, 10 to 100,000.</summary>
    public int Window { get; init; } = 500;

    /// <summary>Days for which feedback is kept; then its file is deleted. 1 to 36,500.</summary>
    public int KeepDays { get; init; } = 365;

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(!string.IsNullOrWhiteSpace(Folder), nameof(Folder), Folder, "a folder");
        errors.Check(Window is >= 10 and <= 100_000, nameof(Window), Window, "from 10 to 100000");
        errors.Check(KeepDays is >= 1 and <= 36_500, nameof(KeepDays), KeepDays, "from 1 to 36500");
        return errors.All;
    }
}
