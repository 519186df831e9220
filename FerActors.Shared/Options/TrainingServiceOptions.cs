namespace FerActors.Shared.Options;

/// <summary>How this node carries out training runs, and how the supervisor hands them out.</summary>
public sealed record TrainingServiceOptions
{
    public const string Section = "Training";

    /// <summary>Holds a folder for each run; must be the same storage on every training node, so that any of them can go on.</summary>
    public string RunsFolder { get; init; } = "data/runs";

    /// <summary>Runs that one node carries out at a time, 1 to 64.</summary>
    public int RunsPerNode { get; init; } = 1;

    /// <summary>Losses of the node in a row, without a finished epoch between them, after which a run fails; 1 to 100.</summary>
    public int MaxCrashes { get; init; } = 3;

    /// <summary>How often a node reports to the supervisor.</summary>
    public TimeSpan HeartbeatEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a supervisor that was started again waits for a node that has runs before it gives them to another one.</summary>
    public TimeSpan NodeGrace { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A run's folder whose lease was not renewed for this long by a node of another machine is free.</summary>
    public TimeSpan LeaseTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a checkpoint is written; what a crash costs at most.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a stopping node waits for its runs to write their checkpoints.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(!string.IsNullOrWhiteSpace(RunsFolder), nameof(RunsFolder), RunsFolder, "a folder");
        errors.Check(RunsPerNode is >= 1 and <= 64, nameof(RunsPerNode), RunsPerNode, "from 1 to 64");
        errors.Check(MaxCrashes is >= 1 and <= 100, nameof(MaxCrashes), MaxCrashes, "from 1 to 100");
        Positive(errors, nameof(HeartbeatEvery), HeartbeatEvery);
        Positive(errors, nameof(NodeGrace), NodeGrace);
        Positive(errors, nameof(LeaseTimeout), LeaseTimeout);
        Positive(errors, nameof(CheckpointEvery), CheckpointEvery);
        Positive(errors, nameof(StopTimeout), StopTimeout);
        errors.Check(NodeGrace > HeartbeatEvery, nameof(NodeGrace), NodeGrace, "longer than HeartbeatEvery");
        return errors.All;
    }

    private static void Positive(OptionErrors errors, string name, TimeSpan value) =>
        errors.Check(value > TimeSpan.Zero && value <= TimeSpan.FromHours(1), name, value, "above zero and at most an hour");
}
