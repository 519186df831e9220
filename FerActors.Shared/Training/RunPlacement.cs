namespace FerActors.Shared.Training;

/// <summary>A training node as the supervisor sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Devices">What it computes on, <c>cpu</c> and <c>cuda:N</c>; empty where it has not said, or is of an earlier version.</param>
public sealed record OfferedNode(string Name, IReadOnlyList<string> Devices);

/// <summary>Which run goes to which node next: a function of the queue and of the nodes alone.</summary>
public static class RunPlacement
{
    private const string Processor = "cpu";
    private const string FirstCard = "cuda:0";

    /// <summary>
    /// The first run of the queue that a free node can carry out, and the node. A run whose device nobody has waits, and lets the others pass.
    /// </summary>
    /// <param name="state">The runs.</param>
    /// <param name="nodes">The nodes that take runs, full ones too.</param>
    public static (TrainingRun Run, string Node)? Next(SupervisorState state, IEnumerable<OfferedNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(nodes);
        var free = nodes.Where(node => state.Occupied(node.Name) < state.RunsPerNode).ToList();
        if (free.Count == 0)
        {
            return null;
        }

        foreach (var run in state.Queue)
        {
            // Where any device will do, a node with a card is the faster one; where the processor is wanted, a card would lie idle.
            var node = free
                .Where(node => Has(node, run.Spec.Device))
                .OrderBy(node => state.Occupied(node.Name))
                .ThenBy(node => HasCard(node) == (run.Spec.Device == Processor))
                .ThenBy(node => node.Name, StringComparer.Ordinal)
                .FirstOrDefault();
            if (node is not null)
            {
                return (run, node.Name);
            }
        }

        return null;
    }

    /// <summary>Why a run that waits can go to none of the nodes, a sentence; <see langword="null"/> where one has its device.</summary>
    /// <param name="run">A run that waits.</param>
    /// <param name="nodes">The nodes that take runs.</param>
    public static string? WhyItWaits(TrainingRun run, IReadOnlyCollection<OfferedNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(nodes);
        if (nodes.Count == 0)
        {
            return "No training node is here.";
        }

        var devices = nodes.SelectMany(node => node.Devices.DefaultIfEmpty(Processor)).Distinct().Order(StringComparer.Ordinal);
        return nodes.Any(node => Has(node, run.Spec.Device))
            ? null
            : $"No training node has the device '{run.Spec.Device}'; they have {string.Join(", ", devices)}.";
    }

    private static bool Has(OfferedNode node, string? device) => device switch
    {
        null or Processor => true,
        "cuda" => node.Devices.Contains(FirstCard),
        _ => node.Devices.Contains(device),
    };

    private static bool HasCard(OfferedNode node) => node.Devices.Any(device => device != Processor);
}
