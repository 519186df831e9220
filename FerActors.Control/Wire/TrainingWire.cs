using FerActors.Control.Wire.Protos;
using FerActors.Shared.Training;

namespace FerActors.Control.Wire;

/// <summary>The wire form of the training supervisor's commands, reports, events, answers and snapshot.</summary>
internal static class TrainingWire
{
    public static IEnumerable<WireType> Types { get; } =
    [
        WireType.Of<TrainingCommands.Submit, RunSpecProto>("tc1", RunSpecProto.Parser, c => Encode(c.Spec), p => new(Decode(p))),
        Body<TrainingCommands.Cancel>("tc2", c => Of(c.Id), p => new(Id(p.Id))),
        Body<TrainingCommands.Pause>("tc3", c => Of(c.Id), p => new(Id(p.Id))),
        Body<TrainingCommands.Resume>("tc4", c => Of(c.Id), p => new(Id(p.Id))),
        Body<TrainingCommands.Delete>("tc5", c => Of(c.Id), p => new(Id(p.Id))),
        Body<TrainingReports.Assign>("tr1", r => With(Of(r.Id), text: r.Node), p => new(Id(p.Id), p.Text)),
        Body<TrainingReports.Lost>("tr2", r => With(Of(r.Id), r.Attempt), p => new(Id(p.Id), p.Attempt)),
        Body<TrainingReports.Phase>(
            "tr3", r => With(Of(r.Id), r.Attempt, number: (int)r.State), p => new(Id(p.Id), p.Attempt, Wire.Enum<RunState>(p.Number))),
        Body<TrainingReports.Epoch>(
            "tr4", r => With(Of(r.Id), r.Attempt, epoch: r.Metrics), p => new(Id(p.Id), p.Attempt, Decode(p.Epoch))),
        Body<TrainingReports.Finished>("tr5", r => With(Of(r.Id), r.Attempt, r.ModelFolder), p => new(Id(p.Id), p.Attempt, p.Text)),
        Body<TrainingReports.Failed>("tr6", r => With(Of(r.Id), r.Attempt, r.Sentence), p => new(Id(p.Id), p.Attempt, p.Text)),
        Body<TrainingReports.Stopped>("tr7", r => With(Of(r.Id), r.Attempt), p => new(Id(p.Id), p.Attempt)),
        Body<TrainingReports.Confirmed>("tr8", r => Of(r.Id), p => new(Id(p.Id))),
        Body<TrainingEvents.Submitted>(
            "te1", Of, e => new RunMessageProto { Spec = Encode(e.Spec) }, p => new(Id(p.Id), At(p), Decode(p.Spec))),
        Body<TrainingEvents.Assigned>(
            "te2", Of, e => With(new(), e.Attempt, e.Node), p => new(Id(p.Id), At(p), p.Text, p.Attempt)),
        Body<TrainingEvents.PhaseChanged>(
            "te3", Of, e => With(new(), number: (int)e.State), p => new(Id(p.Id), At(p), Wire.Enum<RunState>(p.Number))),
        Body<TrainingEvents.EpochFinished>("te4", Of, e => With(new(), epoch: e.Metrics), p => new(Id(p.Id), At(p), Decode(p.Epoch))),
        Body<TrainingEvents.StopRequested>(
            "te5", Of, e => With(new(), number: (int)e.Wish), p => new(Id(p.Id), At(p), Wire.Enum<StopWish>(p.Number))),
        Body<TrainingEvents.Paused>("te6", Of, _ => new(), p => new(Id(p.Id), At(p))),
        Body<TrainingEvents.Resumed>("te7", Of, _ => new(), p => new(Id(p.Id), At(p))),
        Body<TrainingEvents.Requeued>("te8", Of, e => With(new(), number: e.NodeLost ? 1 : 0), p => new(Id(p.Id), At(p), p.Number != 0)),
        Body<TrainingEvents.Cancelled>("te9", Of, _ => new(), p => new(Id(p.Id), At(p))),
        Body<TrainingEvents.Failed>("te10", Of, e => With(new(), text: e.Sentence), p => new(Id(p.Id), At(p), p.Text)),
        Body<TrainingEvents.Registered>("te11", Of, e => With(new(), text: e.ModelFolder), p => new(Id(p.Id), At(p), p.Text)),
        Body<TrainingEvents.Confirmed>("te12", Of, _ => new(), p => new(Id(p.Id), At(p))),
        Body<TrainingEvents.Deleted>("te13", Of, _ => new(), p => new(Id(p.Id), At(p))),
        WireType.Of<TrainingQueries.List, RunListQueryProto>(
            "tq1", RunListQueryProto.Parser, q => new RunListQueryProto { After = q.After }, p => new(p.After)),
        Body<TrainingQueries.Describe>("tq2", q => Of(q.Id), p => new(Id(p.Id))),
        WireType.Of<RunList, RunListProto>("ta1", RunListProto.Parser, Encode, p => new([.. p.Runs.Select(Decode)], p.More)),
        WireType.Of<CommandResult, CommandResultProto>("ta2", CommandResultProto.Parser, Encode, Decode),
        WireType.Of<SupervisorSnapshot, SupervisorSnapshotProto>("ts1", SupervisorSnapshotProto.Parser, Encode, Decode),
        WireType.Of<TrainingWork.Heartbeat, TrainingHeartbeatProto>("tw1", TrainingHeartbeatProto.Parser, Encode, Decode),
        Body<TrainingWork.Start>("tw2", s => With(new() { Spec = Encode(s.Spec) }, s.Attempt), p => new(Decode(p.Spec), p.Attempt)),
        Body<TrainingWork.Stop>("tw3", s => With(Of(s.Id), s.Attempt), p => new(Id(p.Id), p.Attempt)),
        Body<TrainingWork.Progress>(
            "tw4",
            s => With(new() { Id = s.Id.Value, Progress = Encode(s.Value) }, s.Attempt),
            p => new(Id(p.Id), p.Attempt, p.Progress is { } at ? Decode(at) : throw new WireException("Progress without figures."))),
    ];

    private static WireType Body<T>(string manifest, Func<T, RunMessageProto> encode, Func<RunMessageProto, T> decode)
        where T : notnull => WireType.Of(manifest, RunMessageProto.Parser, encode, decode);

    private static WireType Body<T>(
        string manifest, Func<ITrainingEvent, RunMessageProto> head, Func<T, RunMessageProto> rest, Func<RunMessageProto, T> decode)
        where T : ITrainingEvent => Body(
            manifest,
            e =>
            {
                var proto = rest(e);
                proto.MergeFrom(head(e));
                return proto;
            },
            decode);

    private static RunMessageProto Of(RunId id) => new() { Id = id.Value };

    private static RunMessageProto Of(ITrainingEvent happened) => new() { Id = happened.Id.Value, AtTicks = happened.At.UtcTicks };

    private static RunMessageProto With(
        RunMessageProto proto, int attempt = 0, string text = "", int number = 0, EpochMetrics? epoch = null)
    {
        proto.Attempt = attempt;
        proto.Text = text;
        proto.Number = number;
        proto.Epoch = epoch is null ? null : Encode(epoch);
        return proto;
    }

    private static DateTimeOffset At(RunMessageProto proto) => Wire.Time(proto.AtTicks);

    private static RunId Id(string text) =>
        RunId.TryParse(text, out var id) ? id : throw new WireException("A message names a run that no run can be named.");

    private static RunSpecProto Encode(RunSpec spec)
    {
        var proto = new RunSpecProto
        {
            Id = spec.Id.Value,
            Name = spec.Name,
            OptionsJson = spec.OptionsJson,
            DataPath = spec.DataPath,
            Priority = spec.Priority,
            ModelVersion = spec.ModelVersion.Value,
            HoldOut = spec.HoldOut,
            HoldOutSeed = spec.HoldOutSeed,
        };
        if (spec.InitFrom is { } from)
        {
            proto.InitFrom = from;
        }

        if (spec.VotesPath is { } votes)
        {
            proto.VotesPath = votes;
        }

        if (spec.FolderLabels is { } labels)
        {
            proto.FolderLabels = labels;
        }

        if (spec.Device is { } device)
        {
            proto.Device = device;
        }

        return proto;
    }

    private static RunSpec Decode(RunSpecProto? proto) => proto is null
        ? throw new WireException("A run without a description.")
        : new(
            Id(proto.Id),
            proto.Name,
            proto.OptionsJson,
            proto.DataPath,
            proto.HasInitFrom ? proto.InitFrom : null,
            proto.Priority,
            ModelWire.Version(proto.ModelVersion))
        {
            VotesPath = proto.HasVotesPath ? proto.VotesPath : null,
            HoldOut = proto.HoldOut,
            HoldOutSeed = proto.HoldOutSeed,
            FolderLabels = proto.HasFolderLabels ? proto.FolderLabels : null,
            Device = proto.HasDevice ? proto.Device : null,
        };

    private static EpochMetricsProto Encode(EpochMetrics epoch) => new()
    {
        Epoch = epoch.Epoch,
        Step = epoch.Step,
        TrainLoss = epoch.TrainLoss,
        Accuracy = epoch.Accuracy,
        MacroF1 = epoch.MacroF1,
    };

    private static EpochMetrics Decode(EpochMetricsProto? proto) => proto is null
        ? throw new WireException("An epoch without figures.")
        : new(proto.Epoch, proto.Step, proto.TrainLoss, proto.Accuracy, proto.MacroF1);

    private static RunProgressProto Encode(RunProgress progress) => new()
    {
        Epoch = progress.Epoch,
        Epochs = progress.Epochs,
        Step = progress.Step,
        Steps = progress.Steps,
        Loss = progress.Loss,
        ImagesPerSecond = progress.ImagesPerSecond,
        EtaSeconds = progress.EtaSeconds,
    };

    private static RunProgress Decode(RunProgressProto proto) =>
        new(proto.Epoch, proto.Epochs, proto.Step, proto.Steps, proto.Loss, proto.ImagesPerSecond, proto.EtaSeconds);

    private static TrainingRunProto Encode(TrainingRun run)
    {
        var proto = new TrainingRunProto
        {
            Spec = Encode(run.Spec),
            State = (int)run.State,
            Order = run.Order,
            SubmittedTicks = run.SubmittedAt.UtcTicks,
            ChangedTicks = run.ChangedAt.UtcTicks,
            Wish = (int)run.Wish,
            Attempt = run.Attempt,
            Crashes = run.Crashes,
            LastEpoch = run.LastEpoch is { } epoch ? Encode(epoch) : null,
            Confirmed = run.Confirmed,
        };
        if (run.Node is { } node)
        {
            proto.Node = node;
        }

        if (run.Failure is { } failure)
        {
            proto.Failure = failure;
        }

        if (run.ModelFolder is { } folder)
        {
            proto.ModelFolder = folder;
        }

        return proto;
    }

    private static TrainingRun Decode(TrainingRunProto? proto) => proto is null
        ? throw new WireException("A run without content.")
        : new(
            Decode(proto.Spec),
            Wire.Enum<RunState>(proto.State),
            proto.Order,
            Wire.Time(proto.SubmittedTicks),
            Wire.Time(proto.ChangedTicks))
        {
            Wish = Wire.Enum<StopWish>(proto.Wish),
            Node = proto.HasNode ? proto.Node : null,
            Attempt = proto.Attempt,
            Crashes = proto.Crashes,
            LastEpoch = proto.LastEpoch is { } epoch ? Decode(epoch) : null,
            Failure = proto.HasFailure ? proto.Failure : null,
            ModelFolder = proto.HasModelFolder ? proto.ModelFolder : null,
            Confirmed = proto.Confirmed,
        };

    private static RunViewProto Encode(RunView view)
    {
        var proto = new RunViewProto { Run = Encode(view.Run), Progress = view.Progress is { } progress ? Encode(progress) : null };
        if (view.Refusal is { } refusal)
        {
            proto.Refusal = refusal;
            proto.RefusalIsFinal = view.RefusalIsFinal;
        }

        return proto;
    }

    private static RunView Decode(RunViewProto proto) => new(
        Decode(proto.Run),
        proto.Progress is { } progress ? Decode(progress) : null,
        proto.HasRefusal ? proto.Refusal : null,
        proto.RefusalIsFinal);

    private static RunListProto Encode(RunList list)
    {
        var proto = new RunListProto { More = list.More };
        proto.Runs.Add(list.Runs.Select(Encode));
        return proto;
    }

    private static CommandResultProto Encode(CommandResult result) => new()
    {
        Code = (int)result.Code,
        Sentence = result.Sentence,
        Run = result.Run is { } run ? Encode(run) : null,
    };

    private static CommandResult Decode(CommandResultProto proto) =>
        new(Wire.Enum<CommandCode>(proto.Code), proto.Sentence, proto.Run is { } run ? Decode(run) : null);

    private static TrainingHeartbeatProto Encode(TrainingWork.Heartbeat heartbeat)
    {
        var proto = new TrainingHeartbeatProto { Node = heartbeat.Node, Accepting = heartbeat.Accepting };
        proto.Runs.Add(heartbeat.Runs.Select(r => new HeldRunProto { Id = r.Id.Value, Attempt = r.Attempt }));
        proto.Devices.Add(heartbeat.Devices);
        return proto;
    }

    private static TrainingWork.Heartbeat Decode(TrainingHeartbeatProto proto) =>
        new(proto.Node, proto.Accepting, [.. proto.Runs.Select(r => new TrainingWork.HeldRun(Id(r.Id), r.Attempt))]) { Devices = [.. proto.Devices] };

    private static SupervisorSnapshotProto Encode(SupervisorSnapshot snapshot)
    {
        var proto = new SupervisorSnapshotProto { Submissions = snapshot.Submissions };
        proto.Runs.Add(snapshot.Runs.Select(Encode));
        return proto;
    }

    private static SupervisorSnapshot Decode(SupervisorSnapshotProto proto) => new(proto.Submissions, [.. proto.Runs.Select(Decode)]);
}
