namespace FerActors.Host.Broker;

/// <summary>How an attempt to publish a message ended.</summary>
internal enum PublishEnd
{
    /// <summary>The broker has it.</summary>
    Confirmed,

    /// <summary>The broker returned it: no queue has that name.</summary>
    Unroutable,

    /// <summary>The broker refused it: a full queue, or one without a leader.</summary>
    Refused,

    /// <summary>The broker said nothing in time.</summary>
    TimedOut,

    /// <summary>The channel or its connection ended before the broker said anything.</summary>
    Broken,

    /// <summary>The broker closed the channel over the message itself, for instance its size.</summary>
    ContentRefused,

    /// <summary>The client library cannot send it.</summary>
    Impossible,
}

/// <param name="End">What happened.</param>
/// <param name="Reason">A sentence for the log; empty for a confirm.</param>
internal readonly record struct PublishEnding(PublishEnd End, string Reason);
