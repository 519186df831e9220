using System.Collections.Immutable;

namespace FerActors.Shared.Training;

/// <summary>The supervisor's state as it is stored; the limits come from the configuration.</summary>
public sealed record SupervisorSnapshot(long Submissions, IReadOnlyList<TrainingRun> Runs)
{
    public static SupervisorSnapshot Of(SupervisorState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new SupervisorSnapshot(state.Submissions, [.. state.Runs.Values.OrderBy(r => r.Order)]);
    }

    /// <summary>The state again, under the given state's limits.</summary>
    public SupervisorState Restore(SupervisorState limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return limits with { Submissions = Submissions, Runs = Runs.ToImmutableDictionary(r => r.Spec.Id) };
    }
}
