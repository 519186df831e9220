using System.Collections.Immutable;
using System.Text;

namespace FerActors.Shared.Training;

/// <summary>All runs, and the rules of what may happen to them. Events change it, commands only ask.</summary>
/// <param name="RunsPerNode">Runs that one node carries out at a time, from 1.</param>
/// <param name="MaxCrashes">Losses of the node in a row, without a finished epoch between them, after which a run fails; from 1.</param>
public sealed record SupervisorState(int RunsPerNode = 1, int MaxCrashes = 3)
{
    // A message between nodes has at most 128,000 bytes, and a list of runs should have more than a few.
    private const int MaxBytes = 32 * 1024;
    private const int MaxPathBytes = 1024;
    private const int MaxSentence = 1000;

    public ImmutableDictionary<RunId, TrainingRun> Runs { get; init; } = ImmutableDictionary<RunId, TrainingRun>.Empty;

    /// <summary>Submissions so far, deleted runs included.</summary>
    public long Submissions { get; init; }

    /// <summary>Runs that wait for a node, the next one first.</summary>
    public IEnumerable<TrainingRun> Queue => Runs.Values
        .Where(r => r.State == RunState.Submitted)
        .OrderByDescending(r => r.Spec.Priority)
        .ThenBy(r => r.Order);

    public int Occupied(string node) => Runs.Values.Count(r => r.Occupies && r.Node == node);

    /// <summary>Decides on a command: the answer, with the run as it will be, and what happens. Changes nothing.</summary>
    public (CommandResult Reply, IReadOnlyList<ITrainingEvent> Events) ProcessCommand(ITrainingCommand command, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(command);
        var (reply, events) = Decide(command, now);
        if (events.Count == 0)
        {
            return (reply, events);
        }

        var run = events.Aggregate(this, (state, happened) => state.Apply(happened)).Runs.GetValueOrDefault(command.Id);
        return (reply with { Run = run is null ? null : new RunView(run, null) }, events);
    }

    private (CommandResult Reply, IReadOnlyList<ITrainingEvent> Events) Decide(ITrainingCommand command, DateTimeOffset now)
    {
        if (command is TrainingCommands.Submit submit)
        {
            return Submit(submit.Spec, now);
        }

        if (!Runs.TryGetValue(command.Id, out var run))
        {
            return (new CommandResult(CommandCode.NotFound, $"There is no run '{command.Id}'."), []);
        }

        if (command is IAttemptReport report && (report.Attempt != run.Attempt || !run.Occupies))
        {
            return Refuse(run, $"attempt {report.Attempt} is not the one under way");
        }

        return command switch
        {
            TrainingCommands.Cancel => Cancel(run, now),
            TrainingCommands.Pause => Pause(run, now),
            TrainingCommands.Resume when run.State == RunState.Paused =>
                Accept(run, "is queued again", new TrainingEvents.Resumed(run.Spec.Id, now)),
            TrainingCommands.Resume => Refuse(run, "only a paused run can be resumed"),
            TrainingCommands.Delete when run.State == RunState.Registered && !run.Confirmed =>
                Refuse(run, "the registry has not taken its model yet; cancel it to give the model up"),
            TrainingCommands.Delete when run.IsFinal => Accept(run, "is deleted", new TrainingEvents.Deleted(run.Spec.Id, now)),
            TrainingCommands.Delete => Refuse(run, "cancel it first"),
            TrainingReports.Assign assign when run.State == RunState.Submitted && Occupied(assign.Node) < RunsPerNode =>
                Accept(run, $"goes to {assign.Node}", new TrainingEvents.Assigned(run.Spec.Id, now, assign.Node, run.Attempt + 1)),
            TrainingReports.Assign => Refuse(run, "it waits for no node, or the node is full"),
            TrainingReports.Phase { State: RunState.Running or RunState.Evaluating } phase when phase.State > run.State =>
                Accept(run, "goes on", new TrainingEvents.PhaseChanged(run.Spec.Id, now, phase.State)),
            TrainingReports.Phase => Refuse(run, "a run's phases only go forward"),
            TrainingReports.Epoch epoch when epoch.Metrics.Epoch > (run.LastEpoch?.Epoch ?? 0) =>
                Accept(run, "has finished an epoch", new TrainingEvents.EpochFinished(run.Spec.Id, now, epoch.Metrics)),
            TrainingReports.Epoch => (Result(CommandCode.NoChange, run, "has that epoch already"), []),
            TrainingReports.Finished finished =>
                Accept(run, "is finished", new TrainingEvents.Registered(run.Spec.Id, now, finished.ModelFolder)),
            TrainingReports.Failed failed =>
                Accept(run, "has failed", new TrainingEvents.Failed(run.Spec.Id, now, Short(failed.Sentence))),
            TrainingReports.Stopped => Accept(run, "has stopped", Stopped(run, now)),
            TrainingReports.Lost => Accept(run, "has lost its node", Lost(run, now)),
            TrainingReports.Confirmed when run is { State: RunState.Registered, Confirmed: false } =>
                Accept(run, "is in the registry", new TrainingEvents.Confirmed(run.Spec.Id, now)),
            TrainingReports.Confirmed => (Result(CommandCode.NoChange, run, "needs no confirmation"), []),
            _ => throw new ArgumentException($"{command.GetType()} is no command of the supervisor.", nameof(command)),
        };
    }

    /// <summary>The state after an event.</summary>
    /// <exception cref="InvalidOperationException">The event cannot have happened in this state.</exception>
    public SupervisorState Apply(ITrainingEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        if (happened is TrainingEvents.Submitted submitted)
        {
            Require(!Runs.ContainsKey(submitted.Id), happened);
            return this with
            {
                Submissions = Submissions + 1,
                Runs = Runs.Add(
                    submitted.Id,
                    new TrainingRun(submitted.Spec, RunState.Submitted, Submissions + 1, submitted.At, submitted.At)),
            };
        }

        Require(Runs.ContainsKey(happened.Id), happened);
        var run = Runs[happened.Id];
        Require(Allows(run, happened), happened);
        return happened is TrainingEvents.Deleted
            ? this with { Runs = Runs.Remove(run.Spec.Id) }
            : this with { Runs = Runs.SetItem(run.Spec.Id, Next(run, happened)) };
    }

    private static bool Allows(TrainingRun run, ITrainingEvent happened) => happened switch
    {
        TrainingEvents.Assigned assigned => run.State == RunState.Submitted && assigned.Attempt == run.Attempt + 1,
        TrainingEvents.PhaseChanged phase => run.Occupies && phase.State > run.State && phase.State <= RunState.Evaluating,
        TrainingEvents.EpochFinished or TrainingEvents.Requeued or TrainingEvents.Registered or TrainingEvents.Failed => run.Occupies,
        TrainingEvents.StopRequested stop => run.Occupies && stop.Wish != run.Wish,
        TrainingEvents.Paused => run.Occupies || run.State == RunState.Submitted,
        TrainingEvents.Resumed => run.State == RunState.Paused,
        TrainingEvents.Cancelled => !run.IsFinal || run is { State: RunState.Registered, Confirmed: false },
        TrainingEvents.Confirmed => run is { State: RunState.Registered, Confirmed: false },
        TrainingEvents.Deleted => run.IsFinal,
        _ => false,
    };

    private static TrainingRun Next(TrainingRun run, ITrainingEvent happened) => happened switch
    {
        TrainingEvents.Assigned e => Moved(run, RunState.Preparing, e) with { Node = e.Node, Attempt = e.Attempt },
        TrainingEvents.PhaseChanged e => run with { State = e.State, ChangedAt = e.At },
        TrainingEvents.EpochFinished e => run with { LastEpoch = e.Metrics, Crashes = 0 },
        TrainingEvents.StopRequested e => run with { Wish = e.Wish },
        TrainingEvents.Paused e => Moved(run, RunState.Paused, e),
        TrainingEvents.Resumed e => Moved(run, RunState.Submitted, e) with { Crashes = 0 },
        TrainingEvents.Requeued e => Moved(run, RunState.Submitted, e) with { Crashes = run.Crashes + (e.NodeLost ? 1 : 0) },
        TrainingEvents.Cancelled e => Moved(run, RunState.Cancelled, e),
        TrainingEvents.Failed e => Moved(run, RunState.Failed, e) with { Failure = e.Sentence },
        TrainingEvents.Registered e => Moved(run, RunState.Registered, e) with { ModelFolder = e.ModelFolder },
        TrainingEvents.Confirmed => run with { Confirmed = true },
        _ => throw new ArgumentException($"{happened.GetType()} is no event of the supervisor.", nameof(happened)),
    };

    private static TrainingRun Moved(TrainingRun run, RunState state, ITrainingEvent happened) =>
        run with { State = state, ChangedAt = happened.At, Node = null, Wish = StopWish.None };

    private (CommandResult Reply, IReadOnlyList<ITrainingEvent> Events) Submit(RunSpec spec, DateTimeOffset now)
    {
        if (Runs.TryGetValue(spec.Id, out var known))
        {
            return known.Spec == spec
                ? (Result(CommandCode.NoChange, known, "was submitted already"), [])
                : Refuse(known, "its id belongs to another submission");
        }

        if (string.IsNullOrWhiteSpace(spec.DataPath) || string.IsNullOrWhiteSpace(spec.Name))
        {
            return (new CommandResult(CommandCode.Invalid, "A run needs a name and the path of its data."), []);
        }

        if (Bytes(spec.Name) > MaxPathBytes || Bytes(spec.DataPath) > MaxPathBytes || Bytes(spec.InitFrom) > MaxPathBytes || Bytes(spec.VotesPath) > MaxPathBytes)
        {
            return (new CommandResult(CommandCode.Invalid, $"A run's name and paths have at most {MaxPathBytes} bytes each."), []);
        }

        if (Runs.Values.FirstOrDefault(r => r.ReservesVersion && r.Spec.ModelVersion == spec.ModelVersion) is { } other)
        {
            return (
                new CommandResult(
                    CommandCode.Refused,
                    $"The version name '{spec.ModelVersion}' is reserved by run '{other.Spec.Id}', which is {other.State}. Choose another, or cancel that run."),
                []);
        }

        string?[] texts = [spec.OptionsJson, spec.Name, spec.DataPath, spec.InitFrom, spec.VotesPath, spec.FolderLabels, spec.Device];
        return texts.Sum(Bytes) > MaxBytes
            ? (new CommandResult(CommandCode.Invalid, $"A run's description has at most {MaxBytes} bytes."), [])
            : (new CommandResult(CommandCode.Accepted, $"Run '{spec.Id}' is queued."), [new TrainingEvents.Submitted(spec.Id, now, spec)]);
    }

    private static (CommandResult Reply, IReadOnlyList<ITrainingEvent> Events) Cancel(TrainingRun run, DateTimeOffset now) => run switch
    {
        { State: RunState.Registered, Confirmed: false } =>
            Accept(run, "is cancelled; its model stays in its folder", new TrainingEvents.Cancelled(run.Spec.Id, now)),
        { IsFinal: true } => Refuse(run, "it has ended"),
        { Occupies: false } => Accept(run, "is cancelled", new TrainingEvents.Cancelled(run.Spec.Id, now)),
        { Wish: StopWish.Cancel } => (Result(CommandCode.NoChange, run, "is being cancelled already"), []),
        _ => Accept(run, "is being cancelled", new TrainingEvents.StopRequested(run.Spec.Id, now, StopWish.Cancel)),
    };

    private static (CommandResult Reply, IReadOnlyList<ITrainingEvent> Events) Pause(TrainingRun run, DateTimeOffset now) => run switch
    {
        { State: RunState.Submitted } => Accept(run, "is paused", new TrainingEvents.Paused(run.Spec.Id, now)),
        { Occupies: true, Wish: StopWish.None } =>
            Accept(run, "is being paused", new TrainingEvents.StopRequested(run.Spec.Id, now, StopWish.Pause)),
        { Wish: StopWish.Cancel } => Refuse(run, "it is being cancelled"),
        { Wish: StopWish.Pause } or { State: RunState.Paused } => (Result(CommandCode.NoChange, run, "is paused already"), []),
        _ => Refuse(run, "it has ended"),
    };

    // A worker that stops unasked, because its node shuts down, has done no wrong.
    private static ITrainingEvent Stopped(TrainingRun run, DateTimeOffset now, bool nodeLost = false) => run.Wish switch
    {
        StopWish.Cancel => new TrainingEvents.Cancelled(run.Spec.Id, now),
        StopWish.Pause => new TrainingEvents.Paused(run.Spec.Id, now),
        _ => new TrainingEvents.Requeued(run.Spec.Id, now, nodeLost),
    };

    private ITrainingEvent Lost(TrainingRun run, DateTimeOffset now) => run.Wish == StopWish.None && run.Crashes + 1 >= MaxCrashes
        ? new TrainingEvents.Failed(run.Spec.Id, now, $"Its node was lost {MaxCrashes} times in a row without a finished epoch between.")
        : Stopped(run, now, nodeLost: true);

    private static int Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);

    private static string Short(string sentence) => sentence.Length <= MaxSentence ? sentence : sentence[..MaxSentence] + " ...";

    private static (CommandResult Reply, IReadOnlyList<ITrainingEvent> Events) Accept(
        TrainingRun run, string what, ITrainingEvent happened) =>
        (Result(CommandCode.Accepted, run, what), [happened]);

    private static (CommandResult Reply, IReadOnlyList<ITrainingEvent> Events) Refuse(TrainingRun run, string why) =>
        (new CommandResult(CommandCode.Refused, $"Run '{run.Spec.Id}' is {run.State}: {why}.", new RunView(run, null)), []);

    private static CommandResult Result(CommandCode code, TrainingRun run, string what) =>
        new(code, $"Run '{run.Spec.Id}' {what}.", new RunView(run, null));

    private static void Require(bool good, ITrainingEvent happened)
    {
        if (!good)
        {
            throw new InvalidOperationException($"{happened.GetType().Name} cannot have happened to run '{happened.Id}' in its state.");
        }
    }
}
