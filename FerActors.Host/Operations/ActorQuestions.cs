using Akka.Actor;
using Akka.Hosting;

namespace FerActors.Host.Operations;

/// <summary>Asks actors by their keys; whoever is absent or silent becomes a sentence.</summary>
internal sealed class ActorQuestions(IReadOnlyActorRegistry registry)
{
    /// <param name="name">The actor's name for people, with its article.</param>
    /// <param name="message">The question.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <typeparam name="TActor">The actor's key.</typeparam>
    /// <exception cref="NoAnswerException">This node does not know the actor, or it did not answer.</exception>
    public async Task<object> AskAsync<TActor>(string name, object message, TimeSpan timeout)
    {
        if (!registry.TryGet<TActor>(out var actor))
        {
            throw new NoAnswerException($"This node has no way to {name}; ask a node that has.");
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

    /// <summary>The answer, or <see langword="null"/> where the actor is absent, silent or says something else.</summary>
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
}

/// <summary>Nobody answered; the message says who should have.</summary>
internal sealed class NoAnswerException(string message) : Exception(message);
