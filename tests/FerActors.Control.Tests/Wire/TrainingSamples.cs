using FerActors.Shared.Registry;
using FerActors.Shared.Training;

namespace FerActors.Control.Tests.Wire;

internal static partial class WireSamples
{
    private static IEnumerable<object> Training()
    {
        var id = RunId.Parse("run-1");
        var spec = new RunSpec(id, "first", "{}", "data.csv", null, 0, ModelVersionId.Parse("v2"));
        var metrics = new EpochMetrics(2, 100, 1.5, 0.6, 0.5);
        var progress = new RunProgress(3, 30, 250, 3000, 1.4, 210.5, 840);
        var waiting = new TrainingRun(spec, RunState.Submitted, 1, Time, Time);
        var busy = waiting with
        {
            State = RunState.Running,
            Wish = StopWish.Pause,
            Node = "n1",
            Attempt = 2,
            Crashes = 1,
            LastEpoch = metrics,
        };
        var ended = waiting with { State = RunState.Registered, Failure = "none", ModelFolder = "models/v2", Confirmed = true };
        yield return new TrainingCommands.Submit(spec);
        yield return new TrainingCommands.Submit(spec with { InitFrom = "models/v1", Priority = -3 });
        yield return new TrainingCommands.Cancel(id);
        yield return new TrainingCommands.Pause(id);
        yield return new TrainingCommands.Resume(id);
        yield return new TrainingCommands.Delete(id);
        yield return new TrainingReports.Assign(id, "n1");
        yield return new TrainingReports.Lost(id, 2);
        yield return new TrainingReports.Phase(id, 2, RunState.Evaluating);
        yield return new TrainingReports.Epoch(id, 2, metrics);
        yield return new TrainingReports.Finished(id, 2, "models/v2");
        yield return new TrainingReports.Failed(id, 2, "The data has errors.");
        yield return new TrainingReports.Stopped(id, 2);
        yield return new TrainingReports.Confirmed(id);
        yield return new TrainingEvents.Submitted(id, Time, spec);
        yield return new TrainingEvents.Assigned(id, Time, "n1", 2);
        yield return new TrainingEvents.PhaseChanged(id, Time, RunState.Running);
        yield return new TrainingEvents.EpochFinished(id, Time, metrics);
        yield return new TrainingEvents.StopRequested(id, Time, StopWish.Cancel);
        yield return new TrainingEvents.Paused(id, Time);
        yield return new TrainingEvents.Resumed(id, Time);
        yield return new TrainingEvents.Requeued(id, Time, NodeLost: true);
        yield return new TrainingEvents.Requeued(id, Time, NodeLost: false);
        yield return new TrainingEvents.Cancelled(id, Time);
        yield return new TrainingEvents.Failed(id, Time, "The data has errors.");
        yield return new TrainingEvents.Registered(id, Time, "models/v2");
        yield return new TrainingEvents.Confirmed(id, Time);
        yield return new TrainingEvents.Deleted(id, Time);
        yield return TrainingQueries.List.Instance;
        yield return new TrainingQueries.List(7);
        yield return new TrainingQueries.Describe(id);
        yield return new RunList([new RunView(waiting, null), new RunView(busy, progress)], More: true);
        yield return new RunList([]);
        yield return new CommandResult(CommandCode.NotFound, "There is no run 'x'.");
        yield return new CommandResult(CommandCode.Accepted, "Run 'run-1' is registered.", new RunView(ended, null));
        yield return new CommandResult(
            CommandCode.NoChange, "Run 'run-1' is registered.", new RunView(ended with { Confirmed = false }, null, "The registry is busy."));
        yield return new CommandResult(
            CommandCode.NoChange, "Run 'run-1' is finished.", new RunView(ended with { Confirmed = false }, null, "v2 is registered.", RefusalIsFinal: true));
        yield return new CommandResult(CommandCode.Unavailable, "The journal is away.");
        yield return new SupervisorSnapshot(2, [waiting, busy, ended]);
        yield return new TrainingWork.Heartbeat("n1", true, [new TrainingWork.HeldRun(id, 2)]);
        yield return new TrainingWork.Heartbeat("n1", false, []);
        yield return new TrainingWork.Start(spec, 2);
        yield return new TrainingWork.Stop(id, 2);
        yield return new TrainingWork.Progress(id, 2, progress);
    }
}
