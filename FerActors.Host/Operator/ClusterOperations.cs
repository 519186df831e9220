using Akka.Actor;
using Akka.Cluster;

namespace FerActors.Host.Operator;

/// <summary>Shows and changes the membership through Akka.Cluster, as this node sees it.</summary>
internal sealed class ClusterOperations(ActorSystem system)
{
    private readonly Cluster _cluster = Cluster.Get(system);

    public OperatorReply Show()
    {
        var state = _cluster.State;
        var unreachable = state.Unreachable.Select(m => m.UniqueAddress).ToHashSet();
        var members = state.Members
            .Order(Member.AgeOrdering)
            .Select(m => new MemberView(
                m.Address.ToString(),
                m.Status.ToString(),
                !unreachable.Contains(m.UniqueAddress),
                [.. m.Roles.Order(StringComparer.Ordinal)]))
            .ToList();
        return OperatorReply.Done(
            members.Count == 0
                ? "This node is no member of a cluster."
                : $"{Members(members.Count)}, {members.Count(m => !m.Reachable)} of them unreachable.",
            new ClusterView(_cluster.SelfAddress.ToString(), state.Leader?.ToString(), members));
    }

    public OperatorReply Leave(string? address)
    {
        var target = address is null ? _cluster.SelfAddress : null;
        if (address is not null && !TryFind(address, out target, out var refusal))
        {
            return refusal;
        }

        if (_cluster.State.Members.Any(m => m.Address.Equals(target) && m.Status is MemberStatus.Leaving or MemberStatus.Exiting))
        {
            return OperatorReply.Unchanged($"{target} is leaving already.");
        }

        _cluster.Leave(target);
        return OperatorReply.Done($"{target} was asked to finish its work and leave.");
    }

    public OperatorReply Down(string address)
    {
        if (!TryFind(address, out var target, out var refusal))
        {
            return refusal;
        }

        var reachable = _cluster.State.Unreachable.All(m => !m.Address.Equals(target));
        _cluster.Down(target);
        return OperatorReply.Done($"{target} is downed{(reachable ? ", though it could be reached" : "")}.");
    }

    public OperatorReply DownUnreachable()
    {
        var unreachable = _cluster.State.Unreachable.Where(m => m.Status != MemberStatus.Down).Select(m => m.Address).ToList();
        unreachable.ForEach(_cluster.Down);
        return unreachable.Count == 0
            ? OperatorReply.Unchanged("No member is unreachable.")
            : OperatorReply.Done($"{Members(unreachable.Count)} downed: {string.Join(", ", unreachable)}.");
    }

    private static string Members(int count) => count == 1 ? "1 member" : $"{count} members";

    // Akka passes over addresses that are no member's, so that a misspelt one would look like success.
    private bool TryFind(string text, out Address? address, out OperatorReply refusal)
    {
        var members = _cluster.State.Members.Select(m => m.Address).ToList();
        address = members.Find(m => m.ToString() == text || $"{m.Host}:{m.Port}" == text);
        refusal = OperatorReply.Refused($"There is no member '{text}'. The members are {string.Join(", ", members)}.");
        return address is not null;
    }
}
