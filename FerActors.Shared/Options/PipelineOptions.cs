namespace FerActors.Shared.Options;

/// <summary>The stages before the model.</summary>
public sealed record PipelineOptions
{
    public const string Section = "Pipeline";

    /// <summary>Workers that decode, detect and align; 0 is one for each core.</summary>
    public int AlignmentWorkers { get; init; }

    /// <summary>Images that may wait for a worker before further ones are refused with <c>overloaded</c>.</summary>
    public int MaxQueueSize { get; init; } = 1024;

    /// <summary>The number of workers that is meant.</summary>
    public int EffectiveWorkers(int cores) => AlignmentWorkers > 0 ? AlignmentWorkers : Math.Max(1, cores);

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(AlignmentWorkers is >= 0 and <= 256, nameof(AlignmentWorkers), AlignmentWorkers, "from 0 to 256");
        errors.Check(MaxQueueSize is >= 1 and <= 1_000_000, nameof(MaxQueueSize), MaxQueueSize, "from 1 to 1000000");
        return errors.All;
    }
}
