namespace FerActors.Host.Intake;

/// <summary>What a delivery's properties and headers mean for it, before anybody looks at the image.</summary>
public abstract record Verdict
{
    private Verdict()
    {
    }

    /// <summary>The pipeline gets it.</summary>
    public sealed record Accept : Verdict
    {
        public static Accept Instance { get; } = new();
    }

    /// <summary>The publisher gets an error result.</summary>
    /// <param name="Code">One of <see cref="Shared.Protocol.ErrorCodes"/>.</param>
    /// <param name="Message">A sentence for the publisher.</param>
    public sealed record Refuse(string Code, string Message) : Verdict;

    /// <summary>No result can reach the publisher: the message is dead-lettered.</summary>
    /// <param name="Reason">A sentence for the log.</param>
    public sealed record DeadLetter(string Reason) : Verdict;
}
