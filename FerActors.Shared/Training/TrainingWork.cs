namespace FerActors.Shared.Training;

/// <summary>What the supervisor and the training nodes tell each other besides <see cref="TrainingReports"/>.</summary>
/// <remarks>
/// All of it may be lost or come twice: a node repeats its heartbeat, and the supervisor answers a heartbeat with whatever differs
/// between what the node holds and what it should hold.
/// </remarks>
public static class TrainingWork
{
    /// <param name="Id">The run.</param>
    /// <param name="Attempt">Which of its attempts.</param>
    public sealed record HeldRun(RunId Id, int Attempt);

    /// <summary>The sender is a training node, and these are its runs; the first one registers it.</summary>
    /// <param name="Node">Its name; a node that was started again has another one.</param>
    /// <param name="Accepting">Takes further runs; false while it shuts down.</param>
    /// <param name="Runs">Attempts that are under way, or whose end the supervisor has not confirmed.</param>
    public sealed record Heartbeat(string Node, bool Accepting, IReadOnlyList<HeldRun> Runs)
    {
        /// <summary>What the node computes on, <c>cpu</c> and <c>cuda:N</c>; empty until it knows.</summary>
        public IReadOnlyList<string> Devices { get; init; } = [];
    }

    /// <summary>Carry out, or continue, the run.</summary>
    public sealed record Start(RunSpec Spec, int Attempt);

    /// <summary>Write a checkpoint and stop; void where another attempt is under way.</summary>
    public sealed record Stop(RunId Id, int Attempt);

    public sealed record Progress(RunId Id, int Attempt, RunProgress Value);
}
