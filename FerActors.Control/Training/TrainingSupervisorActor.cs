using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using FerActors.Shared.Messaging;
using FerActors.Shared.Options;
using FerActors.Shared.Training;

namespace FerActors.Control.Training;

/// <summary>Keeps <see cref="SupervisorState"/> in the journal, hands runs to training nodes and answers operators.</summary>
/// <remarks>
/// Nothing is acknowledged before it is stored. What the nodes should do follows from the state alone and is told again with every
/// heartbeat, so that a lost message costs one heartbeat.
/// </remarks>
public sealed class TrainingSupervisorActor : ReceivePersistentActor, IWithTimers
{
    public const string JournalId = "training-supervisor";

    private const int SnapshotEvery = 100;
    private const int MaxRefusal = 1000;

    private static readonly RegistrationRefusal NoRegistry = new("The training supervisor has no registry.", IsFinal: true);
    private static readonly TimeSpan MaxOfferPause = TimeSpan.FromMinutes(5);

    private readonly TrainingServiceOptions _options;
    private readonly Func<RunSpec, IReadOnlyList<string>> _validate;
    private readonly IModelRegistration? _registration;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<string, Node> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<RunId, RunProgress> _progress = [];
    private readonly Dictionary<RunId, Offer> _offers = [];
    private readonly BackoffPolicy _offerPauses;
    private readonly CancellationTokenSource _stopping = new();
    private SupervisorState _state;
    private DateTimeOffset _recovered;
    private IActorRef _asker = ActorRefs.Nobody;

    /// <param name="options">The limits.</param>
    /// <param name="validate">Looks at a run before it is accepted.</param>
    /// <param name="registration">Where finished models go; without one they stay in their folders, unconfirmed.</param>
    public TrainingSupervisorActor(
        TrainingServiceOptions options, Func<RunSpec, IReadOnlyList<string>> validate, IModelRegistration? registration)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _validate = validate;
        _registration = registration;
        _state = new SupervisorState(options.RunsPerNode, options.MaxCrashes);
        _offerPauses = new BackoffPolicy(options.HeartbeatEvery, MaxOfferPause);
        Recover<ITrainingEvent>(happened => _state = _state.Apply(happened));
        Recover<SnapshotOffer>(offer => _state = ((SupervisorSnapshot)offer.Snapshot).Restore(_state));
        Recover<RecoveryCompleted>(_ => Recovered());
        Command<TrainingCommands.Submit>(Submit);
        Command<ITrainingCommand>(command => Process(command, Sender));
        Command<TrainingQueries.List>(query => Sender.Tell(RunList.Page(_state.Runs.Values.Select(View), query.After)));
        Command<TrainingQueries.Describe>(query => Sender.Tell(Describe(query.Id)));
        Command<TrainingWork.Heartbeat>(Beat);
        Command<TrainingWork.Progress>(Advance);
        Command<Terminated>(gone => Gone(gone.ActorRef));
        Command<Registration>(Registered);
        Command<NameChecked>(On);
        Command<Tick>(_ => Look());
        Command<SaveSnapshotSuccess>(saved =>
            DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - SnapshotEvery - 1)));
        Command<SaveSnapshotFailure>(failure =>
            _log.Warning(failure.Cause, "The supervisor's snapshot was not stored; the journal has all"));
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(failure => _log.Warning(failure.Cause, "Old snapshots were not deleted"));
    }

    public override string PersistenceId => JournalId;

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        base.PostStop();
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "The journal did not take event {Number}; the supervisor starts again", sequenceNr);

        // Whether the journal took it is unknown; what it has is read at the start.
        _asker.Tell(new CommandResult(
            CommandCode.Unavailable, "The journal failed, and it is unknown whether the change was kept. Send the command again."));
        base.OnPersistFailure(cause, @event, sequenceNr);
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "The journal refused event {Number}", sequenceNr);
        _asker.Tell(new CommandResult(CommandCode.Unavailable, "The journal refused the change; nothing changed."));
        base.OnPersistRejected(cause, @event, sequenceNr);
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private void Recovered()
    {
        _recovered = Now;
        _log.Info("The training supervisor runs on this node now and knows {Runs} runs", _state.Runs.Count);
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, _options.HeartbeatEvery);
    }

    private void Submit(TrainingCommands.Submit submit)
    {
        // The state bounds the text, which therefore is looked at first; a known run needs no second look.
        var (reply, events) = _state.ProcessCommand(submit, Now);
        var errors = events.Count == 0 ? [] : _validate(submit.Spec);
        if (errors.Count > 0)
        {
            Sender.Tell(new CommandResult(CommandCode.Invalid, string.Join(" ", errors)));
            return;
        }

        if (events.Count == 0 || _registration is not { } registration)
        {
            Settle(reply, events, Sender);
            return;
        }

        // A name that the registry has would be found out only after the training.
        var asker = Sender;
        var token = _stopping.Token;
        Task.Run(() => registration.CheckNameAsync(submit.Spec.ModelVersion, token), token).PipeTo(
            Self,
            success: refusal => new NameChecked(submit, asker, refusal),
            failure: e => new NameChecked(submit, asker, new RegistrationRefusal(e.Message, IsFinal: false)));
    }

    private void On(NameChecked done)
    {
        switch (done.Refusal)
        {
            case { IsFinal: true } taken:
                done.Asker.Tell(new CommandResult(CommandCode.Refused, $"Run '{done.Submit.Id}' is not queued: {taken.Sentence}"));
                break;
            case { } unknown:
                done.Asker.Tell(new CommandResult(
                    CommandCode.Unavailable,
                    $"Whether the version name '{done.Submit.Spec.ModelVersion}' is free is unknown, so nothing changed; send it again later. {unknown.Sentence}"));
                break;
            default:
                // Another run may have taken the id or the name meanwhile.
                Process(done.Submit, done.Asker);
                break;
        }
    }

    private void Process(ITrainingCommand command, IActorRef asker)
    {
        var (reply, events) = _state.ProcessCommand(command, Now);
        Settle(reply, events, asker);
    }

    private void Settle(CommandResult reply, IReadOnlyList<ITrainingEvent> events, IActorRef asker)
    {
        if (events.Count == 0)
        {
            asker.Tell(reply, Self);
            return;
        }

        _asker = asker;

        // Every command leads to one event at most.
        Persist(events[0], happened =>
        {
            _state = _state.Apply(happened);
            asker.Tell(reply, Self);
            Follow(happened);
            if (LastSequenceNr % SnapshotEvery == 0)
            {
                SaveSnapshot(SupervisorSnapshot.Of(_state));
            }

            Assign();
        });
    }

    private void Follow(ITrainingEvent happened)
    {
        _log.Info("Run {Run}: {Event}", happened.Id, happened.GetType().Name);
        var run = _state.Runs.GetValueOrDefault(happened.Id);
        if (run is not { Occupies: true })
        {
            _progress.Remove(happened.Id);
        }

        if (run is not { State: RunState.Registered })
        {
            _offers.Remove(happened.Id);
        }

        switch (happened)
        {
            case TrainingEvents.Assigned assigned:
                Tell(assigned.Node, new TrainingWork.Start(run!.Spec, assigned.Attempt));
                break;
            case TrainingEvents.StopRequested:
                Tell(run!.Node!, new TrainingWork.Stop(happened.Id, run.Attempt));
                break;
            case TrainingEvents.Registered:
                Register(run!);
                break;
        }
    }

    // One at a time: what the next run may have depends on where this one goes.
    private void Assign()
    {
        var node = _nodes
            .Where(n => n.Value.Accepting && _state.Occupied(n.Key) < _options.RunsPerNode)
            .OrderBy(n => _state.Occupied(n.Key))
            .ThenBy(n => n.Key, StringComparer.Ordinal)
            .Select(n => n.Key)
            .FirstOrDefault();
        if (node is not null && _state.Queue.FirstOrDefault() is { } next)
        {
            Process(new TrainingReports.Assign(next.Spec.Id, node), ActorRefs.Nobody);
        }
    }

    private void Beat(TrainingWork.Heartbeat beat)
    {
        foreach (var earlier in _nodes.Where(n => n.Value.Actor.Equals(Sender) && n.Key != beat.Node).Select(n => n.Key).ToList())
        {
            Lose(earlier);
        }

        if (!_nodes.ContainsKey(beat.Node))
        {
            _log.Info("Training node {Node} is here", beat.Node);
            Context.Watch(Sender);
        }

        _nodes[beat.Node] = new Node(Sender, beat.Accepting);
        foreach (var held in beat.Runs.Where(h => !Holds(beat.Node, h) || _state.Runs[h.Id].Wish != StopWish.None))
        {
            Sender.Tell(new TrainingWork.Stop(held.Id, held.Attempt));
        }

        foreach (var run in _state.Runs.Values.Where(r => r.Occupies && r.Node == beat.Node))
        {
            if (!beat.Runs.Contains(new TrainingWork.HeldRun(run.Spec.Id, run.Attempt)))
            {
                Restart(beat, run);
            }
        }

        Assign();
    }

    // The node has not begun: the order to start was lost, or the node stops before it came.
    private void Restart(TrainingWork.Heartbeat beat, TrainingRun run)
    {
        if (beat.Accepting && run.Wish == StopWish.None)
        {
            Sender.Tell(new TrainingWork.Start(run.Spec, run.Attempt));
        }
        else
        {
            Process(new TrainingReports.Stopped(run.Spec.Id, run.Attempt), ActorRefs.Nobody);
        }
    }

    private bool Holds(string node, TrainingWork.HeldRun held) =>
        _state.Runs.GetValueOrDefault(held.Id) is { Occupies: true } run && run.Node == node && run.Attempt == held.Attempt;

    private void Advance(TrainingWork.Progress progress)
    {
        if (_state.Runs.GetValueOrDefault(progress.Id) is { Occupies: true } run && run.Attempt == progress.Attempt)
        {
            _progress[progress.Id] = progress.Value;
        }
    }

    private void Gone(IActorRef actor)
    {
        foreach (var node in _nodes.Where(n => n.Value.Actor.Equals(actor)).Select(n => n.Key).ToList())
        {
            Lose(node);
        }
    }

    private void Lose(string node)
    {
        _log.Warning("Training node {Node} is gone", node);
        _nodes.Remove(node);
        LoseRuns(node);
    }

    private void LoseRuns(string node)
    {
        foreach (var run in _state.Runs.Values.Where(r => r.Node == node).ToList())
        {
            Process(new TrainingReports.Lost(run.Spec.Id, run.Attempt), ActorRefs.Nobody);
        }
    }

    // A node that this supervisor has never heard of left before it began.
    private void Look()
    {
        if (Now - _recovered >= _options.NodeGrace)
        {
            var strangers = _state.Runs.Values.Select(r => r.Node).OfType<string>().Distinct().Where(n => !_nodes.ContainsKey(n));
            foreach (var node in strangers.ToList())
            {
                LoseRuns(node);
            }
        }

        foreach (var run in _state.Runs.Values.Where(r => r is { State: RunState.Registered, Confirmed: false }))
        {
            Register(run);
        }
    }

    private void Register(TrainingRun run)
    {
        var last = _offers.GetValueOrDefault(run.Spec.Id, Offer.None);
        if (_registration is null || last.UnderWay || Now < last.Next)
        {
            return;
        }

        _offers[run.Spec.Id] = last with { UnderWay = true };

        var registration = _registration;
        var token = _stopping.Token;
        Task.Run(() => registration.RegisterAsync(run, token), token).PipeTo(
            Self,
            success: refusal => new Registration(run.Spec.Id, refusal),
            failure: e => new Registration(run.Spec.Id, new RegistrationRefusal(e.Message, IsFinal: false)));
    }

    private void Registered(Registration registration)
    {
        if (registration.Refusal is not { } refusal)
        {
            _offers.Remove(registration.Id);
            Process(new TrainingReports.Confirmed(registration.Id), ActorRefs.Nobody);
            return;
        }

        if (_state.Runs.GetValueOrDefault(registration.Id) is not { State: RunState.Registered })
        {
            // An operator has given it up meanwhile.
            return;
        }

        // Each offer makes the registry copy and hash the folder, which it should not do all the time for one that it never takes.
        var last = _offers.GetValueOrDefault(registration.Id, Offer.None);
        var failures = last.Failures + 1;
#pragma warning disable CA5394 // Jitter is no secret.
        var pause = _offerPauses.Delay(failures, Random.Shared.NextDouble());
#pragma warning restore CA5394
        _offers[registration.Id] = new Offer(failures, Now + pause, UnderWay: false, refusal with { Sentence = Short(refusal.Sentence) });
        if (_offers[registration.Id].Refusal != last.Refusal)
        {
            _log.Warning("The model of run {Run} is not in the registry: {Reason}", registration.Id, refusal.Sentence);
        }
    }

    private static string Short(string sentence) => sentence.Length <= MaxRefusal ? sentence : sentence[..MaxRefusal] + " ...";

    private CommandResult Describe(RunId id)
    {
        if (!_state.Runs.TryGetValue(id, out var run))
        {
            return new CommandResult(CommandCode.NotFound, $"There is no run '{id}'.");
        }

        var view = View(run);
        return new CommandResult(
            CommandCode.NoChange,
            view.Refusal is { } refusal
                ? $"Run '{id}' is finished, but its model is not in the registry: {refusal}"
                : run is { State: RunState.Registered, Confirmed: false }
                    ? $"Run '{id}' is finished; the registry does not have its model yet."
                    : $"Run '{id}' is {run.State}.",
            view);
    }

    private RunView View(TrainingRun run)
    {
        var refusal = run is not { State: RunState.Registered, Confirmed: false }
            ? null
            : _registration is null ? NoRegistry : _offers.GetValueOrDefault(run.Spec.Id)?.Refusal;
        return new RunView(run, _progress.GetValueOrDefault(run.Spec.Id), refusal?.Sentence, refusal?.IsFinal ?? false);
    }

    private void Tell(string node, object message)
    {
        if (_nodes.TryGetValue(node, out var known))
        {
            known.Actor.Tell(message);
        }
    }

    private sealed record Node(IActorRef Actor, bool Accepting);

    // How often the registry has refused the model, and when it is offered again.
    private sealed record Offer(int Failures, DateTimeOffset Next, bool UnderWay, RegistrationRefusal? Refusal)
    {
        public static Offer None { get; } = new(0, DateTimeOffset.MinValue, UnderWay: false, null);
    }

    private sealed record Registration(RunId Id, RegistrationRefusal? Refusal) : INoSerializationVerificationNeeded;

    private sealed record NameChecked(TrainingCommands.Submit Submit, IActorRef Asker, RegistrationRefusal? Refusal) : INoSerializationVerificationNeeded;

    private sealed record Tick : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static Tick Instance { get; } = new();
    }
}
