using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;
using Akka.Event;
using Akka.Persistence;
using FerActors.Shared.Cluster;
using FerActors.Shared.Options;
using FerActors.Shared.Registry;
using static FerActors.Shared.Registry.RegistryCommands;
using static FerActors.Shared.Registry.RegistryFindings;
using static FerActors.Shared.Registry.RegistryQueries;
using Delete = FerActors.Shared.Registry.RegistryCommands.Delete;

namespace FerActors.Control.Registry;

/// <summary>
/// The one writer of the registry: keeps <see cref="RegistryState"/> in the journal, tells all nodes what to serve, listens to what
/// became of it, and takes back what fails.
/// </summary>
/// <remarks>
/// Files are read and written on threads of their own; while that lasts for a version, other changes of the same version are answered
/// <see cref="RegistryCode.Busy"/>. An answer goes out after the journal has the change, never before.
/// </remarks>
public sealed class ModelRegistryActor : ReceivePersistentActor, IWithTimers
{
    public const string Id = "model-registry";

    private const int SnapshotEvery = 100;
    private const int MaxJobs = 8;
    private const int MaxText = 4000;

    private static readonly TimeSpan JudgeEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnnounceTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnnounceRetry = TimeSpan.FromSeconds(2);
    private static readonly LWWRegisterKey<DesiredModels> DesiredKey = new(ReplicatedKeys.DesiredModels);
    private static readonly LWWDictionaryKey<string, NodeModelStatus> NodesKey = new(ReplicatedKeys.NodeModels);

    private readonly RegistryOptions _options;
    private readonly ModelStore _store;
    private readonly TimeProvider _time;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly IActorRef _replicator = DistributedData.Get(Context.System).Replicator;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    private readonly HashSet<ModelVersionId> _busy = [];
    private readonly Dictionary<Address, Member> _members = [];
    private readonly HashSet<Address> _unreachable = [];
    private Dictionary<string, NodeModelStatus> _said = [];
    private RegistryState _state = RegistryState.Empty;
    private long _lastSnapshot;
    private long _announced = -1;
    private long _told = -1;
    private string? _alarm;
    private int _jobs;
    private IActorRef _asker = ActorRefs.Nobody;

    public ModelRegistryActor(RegistryOptions options, ModelStore store, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(time);
        _options = options;
        _store = store;
        _time = time;

        Recover<IRegistryEvent>(e => _state = _state.Apply(e));
        Recover<SnapshotOffer>(offer =>
        {
            _state = (RegistryState)offer.Snapshot;
            _lastSnapshot = offer.Metadata.SequenceNr;
        });
        Recover<RecoveryCompleted>(_ => Start());

        Command<Register>(Import);
        Command<Imported>(On);
        Command<Promote>(c => CheckFiles(c, c.Version));
        Command<SetCanary>(c => CheckFiles(c, c.Version));
        Command<SetShadow>(c => CheckFiles(c, c.Version));
        Command<FilesChecked>(On);
        Command<Rollback>(c => WithReason(c, c.Reason));
        Command<Quarantine>(c => WithReason(c, c.Reason));
        Command<Delete>(c => Decide(c, Sender));
        Command<IRegistryCommand>(c => Decide(c, Sender));
        Command<FolderGone>(On);

        Command<List>(_ => Sender.Tell(new ModelList(_state.Sequence, [.. _state.Models.Where(m => !m.Deleted).Select(Describe)])));
        Command<Describe>(q => Sender.Tell(
            Known(q.Version) is { } model ? Describe(model) : Reply(RegistryCode.NotFound, $"There is no version {q.Version}.")));
        Command<IsFree>(q => Sender.Tell(_busy.Contains(q.Version) ? Busy(q.Version) : _state.NameIsFree(q.Version)));
        Command<GetStatus>(_ => Sender.Tell(Status()));
        Command<Verify>(q => CheckFiles(null, q.Version));

        Command<IUpdateResponse>(On);
        Command<AnnounceAgain>(_ => Announce());
        Command<Changed>(On);
        Command<ClusterEvent.CurrentClusterState>(On);
        Command<ClusterEvent.IMemberEvent>(e => On(e.Member));
        Command<ClusterEvent.UnreachableMember>(e => Reachable(e.Member.Address, false));
        Command<ClusterEvent.ReachableMember>(e => Reachable(e.Member.Address, true));
        Command<ClusterEvent.IClusterDomainEvent>(_ => { });
        Command<JudgeNodes>(_ => Judge());

        Command<SaveSnapshotSuccess>(On);
        Command<SaveSnapshotFailure>(f => _log.Warning(f.Cause, "The registry's snapshot failed; the journal has everything"));
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(f => _log.Warning(f.Cause, "Old snapshots of the registry cannot be deleted"));
        Command<Stop>(_ => Context.Stop(Self));
    }

    public override string PersistenceId => Id;

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PostStop()
    {
        _stopping.Cancel();
        _cluster.Unsubscribe(Self);
        base.PostStop();
    }

    // Whether the journal took it is unknown; the restart reads what it has.
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "The registry's journal failed at {Sequence}", sequenceNr);
        _asker.Tell(Reply(RegistryCode.Failed, "The journal failed; ask for the status once the registry is back."));
        base.OnPersistFailure(cause, @event, sequenceNr);
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _log.Error(cause, "The registry's journal refused event {Sequence}", sequenceNr);
        _asker.Tell(Reply(RegistryCode.Failed, "The journal refused the change; nothing changed."));
        base.OnPersistRejected(cause, @event, sequenceNr);
    }

    private void Start()
    {
        _log.Info(
            "The model registry runs on this node now, at event {Sequence}; champion {ModelVersion}",
            _state.Sequence,
            _state.Champion?.Value ?? "none promoted: each node serves its own Model:Path");
        _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot,
            typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent));
        _replicator.Tell(Dsl.Subscribe(NodesKey, Self));
        _replicator.Tell(Dsl.Subscribe(DesiredKey, Self));
        Timers.StartPeriodicTimer(nameof(JudgeNodes), JudgeNodes.Instance, JudgeEvery);
        Announce();

        var deleted = _state.Models.Where(m => m.Deleted).Select(m => m.Version).ToList();
        _busy.UnionWith(deleted);
        _ = Detached(() => _store.Sweep(deleted)).PipeTo(
            Self, Self, _ => new FolderGone(deleted, null), cause => new FolderGone(deleted, cause));
    }

    private void Import(Register command)
    {
        if (TooLong(command.SourceFolder, command.WeightsSha256, command.Provenance))
        {
            Sender.Tell(Reply(RegistryCode.Invalid, $"A text of the command has more than {MaxText} characters."));
            return;
        }

        if (!Reserve(command.Version))
        {
            return;
        }

        var bound = _state.Find(command.Version)?.Manifest;
        var asker = Sender;
        _ = Detached(() => _store.Import(
            command.Version, command.SourceFolder, command.Provenance, command.WeightsSha256, bound, _stopping.Token))
            .PipeTo(
                Self,
                Self,
                manifest => new Imported(command.Version, asker, manifest, null),
                cause => new Imported(command.Version, asker, null, cause));
    }

    private void On(Imported done)
    {
        Release(done.Version);
        if (done.Manifest is { } manifest)
        {
            Decide(new Admit(manifest), done.Asker);
            return;
        }

        var reply = done.Cause is ModelStoreException refused
            ? Reply(refused.Code, refused.Message)
            : Reply(RegistryCode.Failed, $"{done.Version} could not be copied: {done.Cause?.Message}");
        _log.Warning("{ModelVersion} was not registered: {Reason}", done.Version, reply.Message);
        done.Asker.Tell(reply);
    }

    // What is damaged would fail on every node and be rolled back; better it never leaves. Without a command, the check is all.
    private void CheckFiles(IRegistryCommand? command, ModelVersionId version)
    {
        if (Known(version) is not { } model)
        {
            Sender.Tell(Reply(RegistryCode.NotFound, $"There is no version {version}."));
            return;
        }

        if (!Reserve(version))
        {
            return;
        }

        var asker = Sender;
        _ = Detached(() => _store.Verify(model.Manifest, _stopping.Token)).PipeTo(
            Self,
            Self,
            faults => new FilesChecked(version, command, asker, faults),
            cause => new FilesChecked(version, command, asker, [cause.Message]));
    }

    private void On(FilesChecked done)
    {
        Release(done.Version);
        if (done.Faults.Count > 0)
        {
            _log.Error("{ModelVersion} is damaged: {Reason}", done.Version, string.Join(' ', done.Faults));
            done.Asker.Tell(Reply(RegistryCode.Failed, string.Join(' ', done.Faults)));
        }
        else if (done.Command is { } command)
        {
            Decide(command, done.Asker);
        }
        else
        {
            done.Asker.Tell(Reply(RegistryCode.Done, $"Every file of {done.Version} is what was registered."));
        }
    }

    private void WithReason(IRegistryCommand command, string reason)
    {
        if (string.IsNullOrWhiteSpace(reason) || TooLong(reason))
        {
            Sender.Tell(Reply(RegistryCode.Invalid, $"A reason has 1 to {MaxText} characters."));
            return;
        }

        Decide(command, Sender);
    }

    private void Decide(IRegistryCommand command, IActorRef asker)
    {
        if (command is Delete delete && _busy.Contains(delete.Version))
        {
            asker.Tell(Busy(delete.Version));
            return;
        }

        var decision = _state.ProcessCommand(command, _options.Gates, _time.GetUtcNow());
        if (decision.Events.Count == 0)
        {
            asker.Tell(decision.Reply);
            return;
        }

        var before = _state.DesiredSequence;
        var left = decision.Events.Count;

        // The sender may be this actor, which was copying or checking for whoever asked.
        _asker = asker;
        PersistAll(decision.Events, happened =>
        {
            _state = _state.Apply(happened);
            if (--left == 0)
            {
                Happened(command, decision.Reply, before, asker);
            }
        });
    }

    private void Happened(IRegistryCommand command, RegistryReply reply, long desiredBefore, IActorRef asker)
    {
        _log.Info("{Message} (sequence {Sequence})", reply.Message, reply.Sequence);
        asker.Tell(reply);
        if (_state.DesiredSequence != desiredBefore)
        {
            Announce();
            Judge();
        }

        if (command is Delete delete)
        {
            _busy.Add(delete.Version);
            IReadOnlyList<ModelVersionId> gone = [delete.Version];
            _ = Detached(() =>
            {
                _store.Delete(delete.Version);
                return true;
            }).PipeTo(Self, Self, _ => new FolderGone(gone, null), cause => new FolderGone(gone, cause));
        }

        if (_state.Sequence - _lastSnapshot >= SnapshotEvery)
        {
            SaveSnapshot(_state);
        }
    }

    private void On(FolderGone done)
    {
        _busy.ExceptWith(done.Versions);
        if (done.Cause is { } cause)
        {
            _log.Warning(cause, "Folders of deleted versions could not be removed; the next start tries again");
        }
    }

    // The one before is kept: the newest may turn out to be unreadable.
    private void On(SaveSnapshotSuccess saved)
    {
        if (_lastSnapshot > 1)
        {
            DeleteSnapshots(new SnapshotSelectionCriteria(_lastSnapshot - 1));
        }

        _lastSnapshot = saved.Metadata.SequenceNr;
    }

    private void Announce()
    {
        var desired = _state.Desired;
        var self = _cluster.SelfUniqueAddress;
        _replicator.Tell(Dsl.Update(
            DesiredKey,
            new LWWRegister<DesiredModels>(self, desired, Clock),
            new WriteMajority(AnnounceTimeout),
            desired.Sequence,
            register => register.Value.Sequence > desired.Sequence ? register : register.WithValue(self, desired, Clock)));

        static long Clock(long current, DesiredModels value) => value.Sequence;
    }

    private void On(IUpdateResponse response)
    {
        if (response.Key.Id != DesiredKey.Id || response.Request is not long sequence)
        {
            return;
        }

        if (response.IsSuccessful)
        {
            _announced = Math.Max(_announced, sequence);
            return;
        }

        // A majority is out of reach: it may still have come through, and gossip goes on; until then nobody may rely on it.
        _log.Warning("No majority of the nodes was told of sequence {Sequence} ({Response})", sequence, response.GetType().Name);
        Timers.StartSingleTimer(nameof(AnnounceAgain), AnnounceAgain.Instance, AnnounceRetry);
    }

    private void On(Changed changed)
    {
        if (changed.Key.Id == NodesKey.Id)
        {
            _said = changed.Get(NodesKey).Entries.ToDictionary();
        }
        else
        {
            _told = changed.Get(DesiredKey).Value.Sequence;
        }

        Judge();
    }

    private void On(ClusterEvent.CurrentClusterState state)
    {
        _members.Clear();
        foreach (var member in state.Members)
        {
            _members[member.Address] = member;
        }

        _unreachable.Clear();
        _unreachable.UnionWith(state.Unreachable.Select(m => m.Address));
        Judge();
    }

    private void On(Member member)
    {
        if (member.Status == MemberStatus.Removed)
        {
            // Its last words would be taken for those of a node that comes at its address.
            if (_members.TryGetValue(member.Address, out var known) && known.UniqueAddress == member.UniqueAddress)
            {
                _members.Remove(member.Address);
                _unreachable.Remove(member.Address);
                Forget(member.Address.ToString());
            }
        }
        else
        {
            _members[member.Address] = member;
        }

        Judge();
    }

    private void Forget(string address)
    {
        if (_said.ContainsKey(address))
        {
            _replicator.Tell(Dsl.Update(NodesKey, WriteLocal.Instance, map => map.Remove(_cluster, address)));
        }
    }

    private void Reachable(Address address, bool reachable)
    {
        _ = reachable ? _unreachable.Remove(address) : _unreachable.Add(address);
        Judge();
    }

    /// <summary>Takes back what too many of the reachable nodes have failed on. The state sees to it that this happens once.</summary>
    private void Judge()
    {
        var now = _time.GetUtcNow();
        var desired = _state.Desired;
        var nodes = Nodes();
        var live = nodes.Where(n => n.Reachable).ToList();
        string? alarm = null;
        if (Failure(ModelSlot.Champion) is { } champion)
        {
            var failed = new ChampionFailed(desired.Sequence, champion);
            if (_state.ProcessCommand(failed, _options.Gates, now) is { Events.Count: 0, Reply: var reply })
            {
                alarm = reply.Message;
            }
            else
            {
                Decide(failed, ActorRefs.Nobody);
                return;
            }
        }
        else if ((Failure(ModelSlot.Canary) ?? Failure(ModelSlot.Shadow)) is { } challenger)
        {
            Decide(new ChallengerFailed(desired.Sequence, challenger), ActorRefs.Nobody);
            return;
        }

        alarm ??= _told > _state.DesiredSequence
            ? $"The nodes were told of sequence {_told}, but the journal has only {_state.DesiredSequence}: it is another journal."
            : null;
        alarm ??= live
            .Where(n => n.Status?.DesiredSequence == desired.Sequence)
            .SelectMany(n => n.Status!.Slots
                .Where(s => s.Phase == ModelPhase.Failed)
                .Select(s => $"{n.Status.Node} fails on {s.Version}: {s.Reason}"))
            .FirstOrDefault();
        if (alarm is not null && alarm != _alarm)
        {
            _log.Error("Alarm of the registry: {Alarm}", alarm);
        }

        _alarm = alarm;

        string? Failure(ModelSlot slot) => FleetHealth.FailureOf(desired, _state.DesiredAt, slot, live, _options.Rollback, now);
    }

    private List<NodeProgress> Nodes() =>
    [
        .. _members.Values
            .Where(m => m.HasRole(NodeRoles.Inference) && m.Status is MemberStatus.Up or MemberStatus.WeaklyUp)
            .Select(m => (Address: m.Address.ToString(), Reachable: !_unreachable.Contains(m.Address)))
            .OrderBy(n => n.Address, StringComparer.Ordinal)
            .Select(n => (n.Address, n.Reachable, Status: _said.GetValueOrDefault(n.Address)))
            .Select(n => new NodeProgress(n.Address, n.Reachable, FleetHealth.HasConverged(_state.Desired, n.Status), n.Status)),
    ];

    private RegistryStatus Status() => new(
        _state.Sequence,
        _state.Desired,
        _state.Previous,
        _announced >= _state.DesiredSequence,
        _alarm,
        _state.LastRollback,
        _state.LastRollbackAt,
        Nodes());

    private bool Reserve(ModelVersionId version)
    {
        if (_busy.Contains(version))
        {
            Sender.Tell(Busy(version));
            return false;
        }

        if (_jobs >= MaxJobs)
        {
            Sender.Tell(Reply(RegistryCode.Busy, $"{MaxJobs} versions are being copied or checked; try again later."));
            return false;
        }

        _jobs++;
        return _busy.Add(version);
    }

    private void Release(ModelVersionId version)
    {
        _jobs--;
        _busy.Remove(version);
    }

    // libtorch computes in an import, and hashes take seconds: neither belongs on a thread of the pool.
    private static Task<T> Detached<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static bool TooLong(string? a, string? b = null, ModelProvenance? p = null) =>
        new[] { a, b, p?.DataSha256, p?.GitCommit, p?.Parent, p?.Command, p?.RunId }.Any(t => t?.Length > MaxText);

    private RegisteredModel? Known(ModelVersionId version) => _state.Find(version) is { Deleted: false } model ? model : null;

    private ModelDescription Describe(RegisteredModel model) => new(model, _state.AliasesOf(model.Version));

    private RegistryReply Busy(ModelVersionId version) =>
        Reply(RegistryCode.Busy, $"{version} is being copied, checked or removed; try again later.");

    private RegistryReply Reply(RegistryCode code, string message) => new(code, message, _state.Sequence);

    /// <summary>Ends the actor once the journal has what is under way.</summary>
    internal sealed record Stop : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static Stop Instance { get; } = new();
    }

    private sealed record JudgeNodes : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static JudgeNodes Instance { get; } = new();
    }

    private sealed record AnnounceAgain : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static AnnounceAgain Instance { get; } = new();
    }

    private sealed record Imported(ModelVersionId Version, IActorRef Asker, ModelManifest? Manifest, Exception? Cause)
        : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record FilesChecked(ModelVersionId Version, IRegistryCommand? Command, IActorRef Asker, IReadOnlyList<string> Faults)
        : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record FolderGone(IReadOnlyList<ModelVersionId> Versions, Exception? Cause)
        : INoSerializationVerificationNeeded, IDeadLetterSuppression;
}
