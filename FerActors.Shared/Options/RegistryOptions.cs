using FerActors.Shared.Registry;

namespace FerActors.Shared.Options;

/// <summary>Where model versions lie, what they must show before they serve, and when a promotion is taken back.</summary>
public sealed record RegistryOptions
{
    public const string Section = "Registry";

    /// <summary>Folder of the versions, one folder each. Nodes need not share it, but each must hold the versions that it is to serve.</summary>
    public string Root { get; init; } = "data/registry";

    /// <summary>Most bytes of one version, all files together.</summary>
    public long MaxVersionBytes { get; init; } = 8L << 30;

    public GateOptions Gates { get; init; } = new();

    public RollbackOptions Rollback { get; init; } = new();

    /// <summary>All mistakes at once, each a sentence; empty where there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new OptionErrors(Section);
        errors.Check(!string.IsNullOrWhiteSpace(Root), nameof(Root), Root, "a folder");
        errors.Check(MaxVersionBytes >= 1 << 20, nameof(MaxVersionBytes), MaxVersionBytes, "at least 1048576");
        Proportion(Gates.MaxAccuracyDrop, $"{nameof(Gates)}:{nameof(Gates.MaxAccuracyDrop)}");
        Proportion(Gates.MaxClassRecallDrop, $"{nameof(Gates)}:{nameof(Gates.MaxClassRecallDrop)}");
        errors.Check(
            Gates.MaxLatencyRatio is > 0 and <= 1000, $"{nameof(Gates)}:{nameof(Gates.MaxLatencyRatio)}", Gates.MaxLatencyRatio, "above 0 and at most 1000");
        errors.Check(
            Rollback.FailureQuorum is > 0 and <= 1,
            $"{nameof(Rollback)}:{nameof(Rollback.FailureQuorum)}",
            Rollback.FailureQuorum,
            "above 0 and at most 1");
        errors.Check(
            Rollback.ConvergenceTimeout > TimeSpan.Zero && Rollback.ConvergenceTimeout <= TimeSpan.FromDays(1),
            $"{nameof(Rollback)}:{nameof(Rollback.ConvergenceTimeout)}",
            Rollback.ConvergenceTimeout,
            "above 0 and at most 1 day");
        return errors.All;

        void Proportion(double value, string name) => errors.Check(value is >= 0 and <= 1, name, value, "from 0 to 1");
    }
}

/// <summary>How much worse than the champion a version may be and still be promoted.</summary>
public sealed record GateOptions
{
    /// <summary>Largest loss of accuracy, 0 to 1.</summary>
    public double MaxAccuracyDrop { get; init; } = 0.01;

    /// <summary>Largest loss of any class's recall, 0 to 1.</summary>
    public double MaxClassRecallDrop { get; init; } = 0.05;

    /// <summary>Largest time for a face, as a multiple of the champion's.</summary>
    public double MaxLatencyRatio { get; init; } = 1.5;

    /// <summary>Refuses versions without metrics; otherwise what was not measured is not compared.</summary>
    public bool RequireMetrics { get; init; } = true;
}

/// <summary>When the registry takes a promotion back by itself.</summary>
public sealed record RollbackOptions
{
    /// <summary>Share of the live inference nodes that must have failed, above 0 and at most 1.</summary>
    public double FailureQuorum { get; init; } = 0.5;

    /// <summary>A node that stays in one phase before <see cref="ModelPhase.Serving"/> for longer counts as failed.</summary>
    public TimeSpan ConvergenceTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
