namespace FerActors.Shared.Messaging;

/// <summary>
/// Decides to which queues a publisher may have results sent. A <c>reply-to</c> is routing under a stranger's control: without
/// a list, anybody who may send an image could make this node write into every queue that it can reach.
/// </summary>
/// <param name="resultsQueue">The default queue; always allowed.</param>
/// <param name="prefixes">Starts of the other allowed names.</param>
public sealed class ReplyToPolicy(string resultsQueue, IReadOnlyList<string> prefixes)
{
    /// <summary>Finds the queue for a result.</summary>
    /// <param name="replyTo">The request's <c>reply-to</c>, if any.</param>
    /// <param name="queue">The queue; the default one where the answer is no.</param>
    /// <returns><see langword="false"/> where the queue is not allowed.</returns>
    public bool TryResolve(string? replyTo, out string queue)
    {
        queue = resultsQueue;
        if (string.IsNullOrEmpty(replyTo) || replyTo == resultsQueue)
        {
            return true;
        }

        foreach (var prefix in prefixes)
        {
            if (replyTo.Length > prefix.Length && replyTo.StartsWith(prefix, StringComparison.Ordinal) && !replyTo.Any(char.IsControl))
            {
                queue = replyTo;
                return true;
            }
        }

        return false;
    }
}
