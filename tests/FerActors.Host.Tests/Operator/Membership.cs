using Akka.Actor;
using Akka.Cluster;

namespace FerActors.Host.Tests.Operator;

internal static class Membership
{
    /// <summary>
    /// Waits until a node sees itself up. What it sees (<see cref="Cluster.State"/>) is carried to it by an actor of its own, so that
    /// the callback of <see cref="Cluster.RegisterOnMemberUp"/> may come before it.
    /// </summary>
    /// <exception cref="TimeoutException">It did not within <paramref name="patience"/>.</exception>
    public static async Task UpAsync(ActorSystem system, TimeSpan patience)
    {
        var cluster = Cluster.Get(system);
        using var over = new CancellationTokenSource(patience);
        while (!cluster.State.Members.Any(m => m.UniqueAddress.Equals(cluster.SelfUniqueAddress) && m.Status == MemberStatus.Up))
        {
            if (over.IsCancellationRequested)
            {
                throw new TimeoutException($"The node does not see itself up: {string.Join(", ", cluster.State.Members)}.");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }
}
