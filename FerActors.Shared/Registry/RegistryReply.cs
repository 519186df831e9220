namespace FerActors.Shared.Registry;

/// <summary>The answer to a command, and to a query about a version that does not exist.</summary>
/// <param name="Code">What became of it.</param>
/// <param name="Message">The same in a sentence, with all figures.</param>
/// <param name="Sequence">The registry's sequence number after it.</param>
/// <param name="Gates">Every gate that refused, also where it was overridden.</param>
public sealed record RegistryReply(RegistryCode Code, string Message, long Sequence, IReadOnlyList<GateRefusal> Gates)
{
    public RegistryReply(RegistryCode code, string message, long sequence)
        : this(code, message, sequence, [])
    {
    }

    public bool Succeeded => Code is RegistryCode.Done or RegistryCode.Unchanged;
}

public enum RegistryCode
{
    /// <summary>It is in the journal.</summary>
    Done = 0,

    /// <summary>It was so already.</summary>
    Unchanged = 1,

    /// <summary>There is no such version.</summary>
    NotFound = 2,

    /// <summary>The registry's state does not allow it.</summary>
    Refused = 3,

    /// <summary>A promotion gate does not allow it.</summary>
    GateRefused = 4,

    /// <summary>The command, or the folder that it names, is wrong.</summary>
    Invalid = 5,

    /// <summary>The same is being done already.</summary>
    Busy = 6,

    /// <summary>The disk or the journal failed; nothing changed.</summary>
    Failed = 7,
}

/// <summary>One promotion gate that a version does not pass.</summary>
/// <param name="Gate"><c>metrics</c>, <c>comparable</c>, <c>accuracy</c>, <c>recall:LABEL</c> or <c>latency</c>.</param>
/// <param name="Candidate">The version's figure; <see langword="null"/> where it has none.</param>
/// <param name="Champion">The champion's figure.</param>
/// <param name="Limit">The worst figure that would pass.</param>
/// <param name="Message">A sentence with the figures.</param>
public sealed record GateRefusal(string Gate, double? Candidate, double? Champion, double? Limit, string Message);
