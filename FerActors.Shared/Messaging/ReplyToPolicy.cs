namespace FerActors.Shared.Messaging;

/// <summary>
/// Decides to which queues a publisher may have results sent. A <c>reply-to</c> is routing under a stranger's control: without
/// a list, anybody who may send an image could make this node write into every queue that it can reach.
/// </summary>
/// <param name="resultsQueue">The default queue; always allowed.</param>
/// <param name="prefixes">Starts of the other allowed names.</param>
public sealed class ReplyToPolicy(string resultsQueue, IReadOnlyList<string> prefixes)
{
    // The broker turns the name "amq.rabbitmq.reply-to" of a request into this and a secret of the channel that asked.
    private const string DirectPrefix = "amq.rabbitmq.reply-to.";

    /// <summary>
    /// Whether a name stands for the channel that sent the request and for no queue (the broker's "direct reply-to"). It reaches nobody
    /// else, so that every publisher may use it.
    /// </summary>
    public static bool IsDirect(string? queue) =>
        queue is not null && queue.Length > DirectPrefix.Length && queue.StartsWith(DirectPrefix, StringComparison.Ordinal);

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

        var allowed = IsDirect(replyTo)
            || prefixes.Any(prefix => replyTo.Length > prefix.Length && replyTo.StartsWith(prefix, StringComparison.Ordinal));
        if (!allowed || replyTo.Any(char.IsControl))
        {
            return false;
        }

        queue = replyTo;
        return true;
    }
}
