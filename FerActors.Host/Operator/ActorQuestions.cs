using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;

namespace FerActors.Host.Operator;

/// <summary>Asks actors by their keys; whoever is absent or silent becomes a sentence.</summary>
internal sealed class ActorQuestions(ActorSystem system, IReadOnlyActorRegistry registry)
{
    private readonly Cluster _cluster = Cluster.Get(system);

    /// <param name="name">The actor's name for people, with its article.</param>
    /// <param name="role">The role whose members host it.</param>
    /// <param name="message">The question.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <typeparam name="TActor">The actor's key, or its proxy's.</typeparam>
    /// <exception cref="NoAnswerException">It is not there, or it did not answer.</exception>
    public async Task<object> AskAsync<TActor>(string name, string role, object message, TimeSpan timeout)
    {
        if (!registry.TryGet<TActor>(out var actor))
        {
            throw new NoAnswerException($"This node has no way to {name}; ask a node that has.");
        }

        if (NobodyHas(role))
        {
            throw new NoAnswerException($"No member of the cluster has the role {role}, so {name} is not there.");
        }

        try
        {
            return await actor.Ask<object>(message, timeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            throw new NoAnswerException(
                $"No answer came from {name} within {timeout.TotalSeconds:0.###} s. Whether it will still do what was asked is unknown.");
        }
    }

    /// <summary>The answer of a part of this node, or <see langword="null"/> where it is absent, silent or says something else.</summary>
    public async Task<TAnswer?> TryAskAsync<TActor, TAnswer>(object message, TimeSpan timeout)
        where TAnswer : class
    {
        if (!registry.TryGet<TActor>(out var actor))
        {
            return null;
        }

        try
        {
            return await actor.Ask<object>(message, timeout).ConfigureAwait(false) as TAnswer;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    // A proxy keeps what it is told until a singleton comes, and would do it then. A node that has not joined yet knows nobody.
    private bool NobodyHas(string role)
    {
        var members = _cluster.State.Members;
        return members.Any(m => m.UniqueAddress.Equals(_cluster.SelfUniqueAddress) && m.Status == MemberStatus.Up)
            && !members.Any(m => m.HasRole(role) && m.Status is not (MemberStatus.Down or MemberStatus.Removed));
    }
}

/// <summary>Nobody answered; the message says who should have.</summary>
internal sealed class NoAnswerException(string message) : Exception(message);
