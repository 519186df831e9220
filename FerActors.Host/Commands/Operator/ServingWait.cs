using FerActors.Host.Operator;
using FerActors.Shared.Registry;

namespace FerActors.Host.Commands.Operator;

/// <summary>Waits after a change of what should serve until every inference node serves it.</summary>
internal static class ServingWait
{
    /// <param name="change">What was asked.</param>
    /// <param name="changed">What the registry answered: it is done.</param>
    /// <param name="look">Asks for the registry's status.</param>
    /// <param name="say">Takes a line for each change.</param>
    /// <param name="limit">The longest wait.</param>
    /// <param name="pause">Between two looks.</param>
    /// <param name="time">Measures the wait.</param>
    /// <param name="cancellation">Stops looking; the change stays.</param>
    /// <returns>
    /// Done once all nodes serve it. Refused where it was taken back, where the nodes that do not serve it have failed, and where the wait
    /// is over; what the registry did is done in each case.
    /// </returns>
    public static async Task<OperatorReply> FollowAsync(
        OperatorRequest change,
        OperatorReply changed,
        Func<Task<OperatorReply>> look,
        Action<string> say,
        TimeSpan limit,
        TimeSpan pause,
        TimeProvider time,
        CancellationToken cancellation)
    {
        var sequence = (changed.View as ChangeView)?.Sequence ?? 0;
        var began = time.GetTimestamp();
        string? wanted = null;
        string? said = null;
        while (true)
        {
            var reply = await look();
            var over = time.GetElapsedTime(began) >= limit;

            // While the registry moves nobody answers. One that was behind the change would be an earlier one's word.
            if (reply is { Outcome: OperatorOutcome.Done, View: FleetView fleet } && fleet.Sequence >= sequence)
            {
                wanted ??= Wanted(change, fleet);
                if (Subject(change, fleet) != wanted)
                {
                    return OperatorReply.Refused($"{wanted} is no longer what should serve. {fleet.LastRollback}".TrimEnd(), fleet);
                }

                var progress = Progress(fleet);
                if (progress != said)
                {
                    say(said = progress);
                }

                if (fleet is { Converged: true, Nodes.Count: > 0 })
                {
                    return OperatorReply.Done(ModelOperations.ServedBy(fleet), fleet);
                }

                if (over || (fleet.Nodes.Count > 0 && fleet.Nodes.All(n => n.Converged || HasFailed(fleet, n))))
                {
                    return OperatorReply.Refused($"The change stays in the registry. {progress}", fleet);
                }
            }
            else if (over)
            {
                return reply.Outcome == OperatorOutcome.Done ? OperatorReply.NoAnswer("The registry does not know of its change yet.") : reply;
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    /// <summary>How many nodes serve what they should, and of each other one why not.</summary>
    internal static string Progress(FleetView fleet)
    {
        var others = fleet.Nodes.Where(n => !n.Converged).Select(n => $"{n.Status?.Node ?? n.Address} {Why(fleet, n)}").ToList();
        return $"{ModelOperations.ServedBy(fleet).TrimEnd('.')}{(others.Count == 0 ? "" : ": " + string.Join("; ", others))}.";
    }

    private static string Why(FleetView fleet, NodeProgress node) => node switch
    {
        { Reachable: false } => "cannot be reached",
        { Status: null } => "has said nothing yet",
        { Status: { } status } when status.DesiredSequence < fleet.DesiredSequence => "has not been told yet",
        { Status.Slots: var slots } when slots.FirstOrDefault(s => s.Phase == ModelPhase.Failed) is { } failed =>
            $"fails on {failed.Version}: {failed.Reason ?? "no reason was given"}",
        { Status.Slots: var slots } when slots.FirstOrDefault(s => s.Phase < ModelPhase.Serving) is { } loading =>
            $"is {loading.Phase.ToString().ToLowerInvariant()} {loading.Version}",
        _ => "does not serve it yet",
    };

    private static bool HasFailed(FleetView fleet, NodeProgress node) =>
        node.Reachable && node.Status is { } status && status.DesiredSequence == fleet.DesiredSequence && status.Slots.Any(s => s.Phase == ModelPhase.Failed);

    // What a run was registered as is known to the registry alone.
    private static string? Wanted(OperatorRequest change, FleetView fleet) => change switch
    {
        ModelRequests.Promote promote => promote.Version,
        ModelRequests.Canary canary => canary.Version,
        ModelRequests.Shadow shadow => shadow.Version,
        _ => Subject(change, fleet),
    };

    private static string? Subject(OperatorRequest change, FleetView fleet) => change switch
    {
        ModelRequests.Canary => fleet.Canary,
        ModelRequests.Shadow => fleet.Shadow,
        ModelRequests.EndCanary or ModelRequests.EndShadow => null,
        _ => fleet.Champion,
    };
}
