namespace FerActors.Host.Operator;

/// <summary>The answer to an <see cref="OperatorRequest"/>.</summary>
/// <param name="Outcome">What became of it; it decides the exit code.</param>
/// <param name="Code">The actor's own word: <c>done</c>, <c>unchanged</c>, <c>gate_refused</c>, <c>not_found</c> ...</param>
/// <param name="Message">A sentence, the actor's where one decided.</param>
/// <param name="View">What was asked for, where there is more than a sentence.</param>
public sealed record OperatorReply(OperatorOutcome Outcome, string Code, string Message, OperatorView? View = null)
{
    /// <summary>The exit code of <c>fer</c> for this reply. 3 is not among them: it is a downed node's.</summary>
    public int ExitCode => Outcome switch
    {
        OperatorOutcome.Done => OperatorExitCodes.Done,
        OperatorOutcome.Refused => OperatorExitCodes.Refused,
        OperatorOutcome.Invalid => OperatorExitCodes.BadUsage,
        _ => OperatorExitCodes.NoAnswer,
    };

    internal static OperatorReply Done(string message, OperatorView? view = null) => new(OperatorOutcome.Done, "done", message, view);

    internal static OperatorReply Unchanged(string message) => new(OperatorOutcome.Done, "unchanged", message);

    internal static OperatorReply Refused(string message, OperatorView? view = null) =>
        new(OperatorOutcome.Refused, "refused", message, view);

    internal static OperatorReply Invalid(string message) => new(OperatorOutcome.Invalid, "invalid", message);

    internal static OperatorReply NoAnswer(string message) => new(OperatorOutcome.NoAnswer, "no_answer", message);
}

public enum OperatorOutcome
{
    /// <summary>It is so now, or was already.</summary>
    Done = 0,

    /// <summary>An actor decided against it; nothing changed.</summary>
    Refused = 1,

    /// <summary>The request cannot be read; no actor was asked.</summary>
    Invalid = 2,

    /// <summary>Nobody answered in time, or this node has no way to the one who decides. What was asked may still happen.</summary>
    NoAnswer = 3,
}

/// <summary>Exit codes of the commands that talk to a node.</summary>
public static class OperatorExitCodes
{
    public const int Done = 0;
    public const int Refused = 1;
    public const int BadUsage = 2;
    public const int NoAnswer = 4;
}
