namespace FerActors.Shared.Options;

/// <summary>How batches form. The names and their meaning are those of Triton's dynamic batcher.</summary>
public sealed record BatchingOptions
{
    public const string Section = "Batching";

    /// <summary>Most faces in one forward pass, 1 to 4,096.</summary>
    public int MaxBatchSize { get; init; } = 32;

    /// <summary>Longest time that a face waits for company while the model is idle; zero sends what there is at once.</summary>
    public TimeSpan MaxQueueDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Faces that may wait before further images are refused with <c>overloaded</c>.</summary>
    public int MaxQueueSize { get; init; } = 1024;

    /// <summary>Longest time that a face waits in all before its image is answered with <c>expired</c>.</summary>
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Sizes that are sent without waiting for the delay to pass; each at most <see cref="MaxBatchSize"/>.</summary>
    public IReadOnlyList<int> PreferredBatchSizes { get; init; } = [];

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(MaxBatchSize is >= 1 and <= 4096, nameof(MaxBatchSize), MaxBatchSize, "from 1 to 4096");
        errors.Check(MaxQueueDelay >= TimeSpan.Zero && MaxQueueDelay <= TimeSpan.FromMinutes(1), nameof(MaxQueueDelay), MaxQueueDelay, "from 0 to 1 minute");
        errors.Check(MaxQueueSize is >= 1 and <= 1_000_000, nameof(MaxQueueSize), MaxQueueSize, "from 1 to 1000000");
        errors.Check(QueueTimeout > MaxQueueDelay && QueueTimeout <= TimeSpan.FromHours(1), nameof(QueueTimeout), QueueTimeout, "above MaxQueueDelay and at most 1 hour");
        foreach (var size in PreferredBatchSizes)
        {
            errors.Check(size >= 1 && size <= MaxBatchSize, nameof(PreferredBatchSizes), size, "from 1 to MaxBatchSize");
        }

        return errors.All;
    }
}
