using System.Globalization;
using FerActors.Shared.Options;

namespace FerActors.Shared.Registry;

/// <summary>Judges from the nodes' own words whether what they should serve has failed.</summary>
public static class FleetHealth
{
    /// <summary>Why a model of the desired ones has failed on the fleet, or <see langword="null"/> if it has not.</summary>
    /// <param name="desired">What should serve. Only statuses of exactly this sequence are evidence: older ones speak of other models.</param>
    /// <param name="changedAt">When it was desired.</param>
    /// <param name="slot">The model in question.</param>
    /// <param name="nodes">The live inference nodes; those without a status count towards the quorum's base.</param>
    /// <param name="options">Quorum and patience.</param>
    /// <param name="now">The time.</param>
    public static string? FailureOf(
        DesiredModels desired,
        DateTimeOffset changedAt,
        ModelSlot slot,
        IReadOnlyList<NodeProgress> nodes,
        RollbackOptions options,
        DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(desired);
        ArgumentNullException.ThrowIfNull(nodes);
        ArgumentNullException.ThrowIfNull(options);
        if (Expected(desired, slot) is not { } expected)
        {
            return null;
        }

        var failures = nodes.Select(n => (n.Status?.Node, Why: Failure(n.Status))).Where(f => f.Why is not null).ToList();
        if (failures.Count == 0 || failures.Count < options.FailureQuorum * nodes.Count)
        {
            return null;
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"{failures.Count} of {nodes.Count} nodes failed on {expected.Version}, among them {failures[0].Node}: {failures[0].Why}");

        string? Failure(NodeModelStatus? status)
        {
            if (status is null || status.DesiredSequence != desired.Sequence)
            {
                return null;
            }

            var own = status.Slots.FirstOrDefault(s => s.Slot == slot && s.Version == expected.Version.Value && s.Phase != ModelPhase.Retiring);
            return own switch
            {
                { Phase: ModelPhase.Failed } => own.Reason ?? "no reason was given",
                { Phase: ModelPhase.Verifying or ModelPhase.Loading or ModelPhase.Warming } when now - Later(own.Since, changedAt) > options.ConvergenceTimeout =>
                    $"it is {own.Phase} for more than {options.ConvergenceTimeout}",
                _ => null,
            };
        }
    }

    /// <summary>Whether a node serves all of what it should.</summary>
    public static bool HasConverged(DesiredModels desired, NodeModelStatus? status)
    {
        ArgumentNullException.ThrowIfNull(desired);
        if (status is null || status.DesiredSequence != desired.Sequence)
        {
            return false;
        }

        return Enum.GetValues<ModelSlot>().All(slot => Expected(desired, slot) is not { } pointer
            || status.Slots.Any(s => s.Slot == slot && s.Version == pointer.Version.Value && s.Phase == ModelPhase.Serving));
    }

    private static ModelPointer? Expected(DesiredModels desired, ModelSlot slot) => slot switch
    {
        ModelSlot.Champion => desired.Champion,
        ModelSlot.Canary => desired.Canary?.Model,
        _ => desired.Shadow?.Model,
    };

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
