using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Shared.Tests.Wire;

/// <summary>One or more messages of every wire type, with and without their optional parts.</summary>
internal static partial class WireSamples
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly ModelPointer Pointer = new(
        ModelVersionId.Parse("v1"),
        "v1",
        new Dictionary<string, string> { ["config.json"] = new('b', 64), [ModelPointer.WeightsFile] = new('a', 64) });

    private static readonly RunId Run = RunId.Parse("run-1");

    private static readonly RunSpec Spec = new(Run, "first", "{}", "data.csv", null, 0, ModelVersionId.Parse("v2"));

    private static readonly EpochMetrics Epoch = new(2, 100, 1.5, 0.6, 0.5);

    private static readonly TrainingRun Waiting = new(Spec, RunState.Submitted, 1, Time, Time);

    private static readonly TrainingRun Busy = Waiting with
    {
        State = RunState.Running,
        Wish = StopWish.Pause,
        Node = "n1",
        Attempt = 2,
        Crashes = 1,
        LastEpoch = Epoch,
    };

    private static readonly TrainingRun Ended = Waiting with
    {
        State = RunState.Registered,
        Failure = "none",
        ModelFolder = "models/v2",
        Confirmed = true,
    };

    public static IReadOnlyList<object> All { get; } =
    [
        DesiredModels.None,
        new DesiredModels(7, Pointer, new SecondModel(Pointer, 0.1), new SecondModel(Pointer, 1)),
        new NodeModelStatus("akka.tcp://FerActors@n1:5055", "n1", 7, []),
        new NodeModelStatus(
            "akka.tcp://FerActors@n1:5055",
            "n1",
            7,
            [
                new ModelSlotStatus(ModelSlot.Champion, "v1", new('a', 64), ModelPhase.Serving, null, Time),
                new ModelSlotStatus(ModelSlot.Shadow, "v2", "", ModelPhase.Failed, "The weights do not match.", Time),
            ]),
        .. Registry(),
        new TrainingCommands.Submit(Spec),
        new TrainingCommands.Submit(Spec with { InitFrom = "models/v1", Priority = -3 }),
        new TrainingCommands.Cancel(Run),
        new TrainingCommands.Pause(Run),
        new TrainingCommands.Resume(Run),
        new TrainingCommands.Delete(Run),
        new TrainingReports.Assign(Run, "n1"),
        new TrainingReports.Lost(Run, 2),
        new TrainingReports.Phase(Run, 2, RunState.Evaluating),
        new TrainingReports.Epoch(Run, 2, Epoch),
        new TrainingReports.Finished(Run, 2, "models/v2"),
        new TrainingReports.Failed(Run, 2, "The data has errors."),
        new TrainingReports.Stopped(Run, 2),
        new TrainingReports.Confirmed(Run),
        new TrainingEvents.Submitted(Run, Time, Spec),
        new TrainingEvents.Assigned(Run, Time, "n1", 2),
        new TrainingEvents.PhaseChanged(Run, Time, RunState.Running),
        new TrainingEvents.EpochFinished(Run, Time, Epoch),
        new TrainingEvents.StopRequested(Run, Time, StopWish.Cancel),
        new TrainingEvents.Paused(Run, Time),
        new TrainingEvents.Resumed(Run, Time),
        new TrainingEvents.Requeued(Run, Time),
        new TrainingEvents.Cancelled(Run, Time),
        new TrainingEvents.Failed(Run, Time, "The data has errors."),
        new TrainingEvents.Registered(Run, Time, "models/v2"),
        new TrainingEvents.Confirmed(Run, Time),
        new TrainingEvents.Deleted(Run, Time),
        TrainingQueries.List.Instance,
        new TrainingQueries.Describe(Run),
        new RunList([new RunView(Waiting, null), new RunView(Busy, new RunProgress(3, 30, 250, 3000, 1.4, 210.5, 840))]),
        new CommandResult(CommandCode.NotFound, "There is no run 'x'."),
        new CommandResult(CommandCode.Accepted, "Run 'run-1' is registered.", new RunView(Ended, null)),
        new SupervisorSnapshot(2, [Waiting, Busy, Ended]),
    ];
}
