namespace FerActors.Shared.Training;

/// <summary>Something that the supervisor decides on, for one run.</summary>
public interface ITrainingCommand
{
    RunId Id { get; }
}

/// <summary>A worker's word on one attempt; void where a later attempt was begun.</summary>
public interface IAttemptReport : ITrainingCommand
{
    int Attempt { get; }
}

/// <summary>Something that happened to one run.</summary>
public interface ITrainingEvent
{
    RunId Id { get; }

    DateTimeOffset At { get; }
}

/// <summary>What operators ask for; each is answered by <see cref="CommandResult"/>.</summary>
public static class TrainingCommands
{
    /// <summary>
    /// Queues a run. The same run again is accepted and changes nothing. Another run under a used id is refused, and so is one whose
    /// version the registry has or another run will be registered as. <see cref="CommandCode.Unavailable"/> where the registry does not
    /// say whether it has the version.
    /// </summary>
    public sealed record Submit(RunSpec Spec) : ITrainingCommand
    {
        public RunId Id => Spec.Id;
    }

    public sealed record Cancel(RunId Id) : ITrainingCommand;

    public sealed record Pause(RunId Id) : ITrainingCommand;

    public sealed record Resume(RunId Id) : ITrainingCommand;

    /// <summary>Forgets a run that has ended; its folder stays.</summary>
    public sealed record Delete(RunId Id) : ITrainingCommand;
}

/// <summary>What the supervisor's own actors tell it.</summary>
public static class TrainingReports
{
    public sealed record Assign(RunId Id, string Node) : ITrainingCommand;

    /// <summary>The node of the attempt is gone.</summary>
    public sealed record Lost(RunId Id, int Attempt) : IAttemptReport;

    /// <param name="Id">The run.</param>
    /// <param name="Attempt">The attempt.</param>
    /// <param name="State"><see cref="RunState.Running"/> or <see cref="RunState.Evaluating"/>.</param>
    public sealed record Phase(RunId Id, int Attempt, RunState State) : IAttemptReport;

    public sealed record Epoch(RunId Id, int Attempt, EpochMetrics Metrics) : IAttemptReport;

    public sealed record Finished(RunId Id, int Attempt, string ModelFolder) : IAttemptReport;

    public sealed record Failed(RunId Id, int Attempt, string Sentence) : IAttemptReport;

    /// <summary>The worker stopped as asked; its checkpoint is written.</summary>
    public sealed record Stopped(RunId Id, int Attempt) : IAttemptReport;

    /// <summary>The registry has taken the model.</summary>
    public sealed record Confirmed(RunId Id) : ITrainingCommand;
}

/// <summary>What stands in the journal.</summary>
public static class TrainingEvents
{
    public sealed record Submitted(RunId Id, DateTimeOffset At, RunSpec Spec) : ITrainingEvent;

    public sealed record Assigned(RunId Id, DateTimeOffset At, string Node, int Attempt) : ITrainingEvent;

    public sealed record PhaseChanged(RunId Id, DateTimeOffset At, RunState State) : ITrainingEvent;

    public sealed record EpochFinished(RunId Id, DateTimeOffset At, EpochMetrics Metrics) : ITrainingEvent;

    public sealed record StopRequested(RunId Id, DateTimeOffset At, StopWish Wish) : ITrainingEvent;

    public sealed record Paused(RunId Id, DateTimeOffset At) : ITrainingEvent;

    public sealed record Resumed(RunId Id, DateTimeOffset At) : ITrainingEvent;

    /// <summary>It waits for another node.</summary>
    /// <param name="Id">The run.</param>
    /// <param name="At">When.</param>
    /// <param name="NodeLost">Its node was lost; otherwise the node shut down in good order.</param>
    public sealed record Requeued(RunId Id, DateTimeOffset At, bool NodeLost) : ITrainingEvent;

    public sealed record Cancelled(RunId Id, DateTimeOffset At) : ITrainingEvent;

    public sealed record Failed(RunId Id, DateTimeOffset At, string Sentence) : ITrainingEvent;

    public sealed record Registered(RunId Id, DateTimeOffset At, string ModelFolder) : ITrainingEvent;

    public sealed record Confirmed(RunId Id, DateTimeOffset At) : ITrainingEvent;

    public sealed record Deleted(RunId Id, DateTimeOffset At) : ITrainingEvent;
}

public static class TrainingQueries
{
    /// <summary>Answered by <see cref="RunList"/>.</summary>
    /// <param name="After">Only runs whose <see cref="TrainingRun.Order"/> is larger; 0 begins with the first.</param>
    public sealed record List(long After = 0)
    {
        /// <summary>From the first run on.</summary>
        public static List Instance { get; } = new();
    }

    /// <summary>Answered by <see cref="CommandResult"/> with the run.</summary>
    public sealed record Describe(RunId Id);
}

public enum CommandCode
{
    Accepted = 0,

    /// <summary>It is so already; nothing was changed.</summary>
    NoChange = 1,
    NotFound = 2,

    /// <summary>The run's state forbids it.</summary>
    Refused = 3,
    Invalid = 4,

    /// <summary>
    /// The supervisor's journal is away, or the registry where it has to be asked. Where the sentence does not say that nothing changed,
    /// that is unknown; the same command may be sent again.
    /// </summary>
    Unavailable = 5,
}

/// <param name="Code">What became of the command.</param>
/// <param name="Sentence">The same for people.</param>
/// <param name="Run">The run afterwards, where there is one.</param>
public sealed record CommandResult(CommandCode Code, string Sentence, RunView? Run = null);
