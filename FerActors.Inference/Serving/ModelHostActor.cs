using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Models;
using FerActors.Shared.Messaging;
using FerActors.Shared.Registry;
using FerActors.Shared.Telemetry;

namespace FerActors.Inference.Serving;

/// <summary>
/// Owns the models and the instances that run them. Each instance runs a batch at a time on a thread of its own; versions are loaded, and
/// shadows run, on another. A swap changes one reference of each instance between two of its batches: a batch keeps the model it began with.
/// </summary>
public sealed class ModelHostActor : ReceiveActor, IWithTimers
{
    private readonly Func<IReadOnlyList<string>, IReadOnlyList<IExpressionModel>> _initial;
    private readonly IModelLoader _loader;
    private readonly TimeProvider _time;
    private readonly DateTimeOffset _startedAt;
    private readonly long _startedStamp;
    private readonly ModelSlots _slots;
    private readonly InstancePool _pool;
    private readonly NativeThread _beside = new("fer-model-beside");
    private readonly CancellationTokenSource _stopped = new();
    private readonly Dictionary<int, IActorRef> _instances = [];
    private readonly Dictionary<long, WaitingBatch> _batches = [];
    private readonly Dictionary<long, HostedVersion> _versions = [];
    private readonly Dictionary<ModelSlot, HostedVersion> _serving = [];
    private readonly HashSet<HostedModel> _leaving = [];
    private readonly HashSet<IActorRef> _statusSubscribers = [];
    private readonly HashSet<IActorRef> _trafficSubscribers = [];
    private readonly List<IActorRef> _awaiting = [];
    private readonly PassClock[] _clocks;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private CancellationTokenSource? _loading;
    private ShadowComparison? _comparison;
    private bool _shadowBusy;
    private TrafficSplit _split;
    private long _swaps;
    private long _passes;
    private long _canaryPasses;
    private long _canaryFailures;
    private long _resizedPasses;
    private long _loads;
    private long _failedLoads;
    private double _lastLoadMs;
    private double _longestLoadMs;
    private int _incarnations;

    /// <param name="devices">The device of each instance; at least one.</param>
    /// <param name="backoff">When an instance that failed is tried again.</param>
    /// <param name="initial">
    /// Gives the model that serves before the first promotion, loaded and warm, for instances on these devices. The actor owns what it
    /// gives. Called at start for all instances, and on a native thread for one that returns.
    /// </param>
    /// <param name="loader">Loads versions.</param>
    /// <param name="time">The clock of the status.</param>
    public ModelHostActor(
        IReadOnlyList<string> devices,
        BackoffPolicy backoff,
        Func<IReadOnlyList<string>, IReadOnlyList<IExpressionModel>> initial,
        IModelLoader loader,
        TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(initial);
        ArgumentNullException.ThrowIfNull(time);
        (_initial, _loader, _time) = (initial, loader, time);
        (_startedAt, _startedStamp) = (time.GetUtcNow(), time.GetTimestamp());
        var models = initial(devices);
        var first = new HostedVersion(
            ModelSlots.InitialTicket, null, models.Select((model, number) => (model, number)).ToDictionary(p => p.number, p => new HostedModel(ModelSlots.InitialTicket, p.model)));
        _versions[first.Ticket] = first;
        _serving[ModelSlot.Champion] = first;
        _slots = new ModelSlots(first.Identity.Version, first.Identity.WeightsSha256, Now());
        _pool = new InstancePool(devices, first.Ticket, backoff, Random.Shared.NextDouble, Elapsed());
        _split = new TrafficSplit(0, devices.Count);
        _clocks = [.. devices.Select(_ => new PassClock())];
        Receive<RunBatch>(Run);
        Receive<PassEnded>(End);
        Receive<ShadowEnded>(Compare);
        Receive<SetDesiredModels>(desired => Apply(_slots.Desire(desired.Desired, Now())));
        Receive<LoadProgress>(progress => Apply(_slots.Progressed(progress.Ticket, progress.Phase, Now())));
        Receive<LoadEnded>(Loaded);
        Receive<LoadBroke>(Broke);
        Receive<InstanceReady>(Returned);
        Receive<InstanceRefused>(Refused);
        Receive<RetryDue>(_ => Apply(_pool.Due(Elapsed())));
        Receive<CopyDisposed>(Disposed);
        Receive<GetServingModel>(_ => Sender.Tell(new ServingModel(Champion.Identity, Champion.InputSide)));
        Receive<SubscribeModelStatus>(_ => Subscribe(_statusSubscribers, Status()));
        Receive<SubscribeTraffic>(_ => Subscribe(_trafficSubscribers, _split));
        Receive<AwaitMayServe>(_ => Await());
        Receive<GetShadowReport>(_ => Sender.Tell(_comparison?.Report() ?? ShadowReport.None));
        Receive<GetModelHostStatistics>(_ => Sender.Tell(Statistics()));
        Receive<Terminated>(gone => Gone(gone.ActorRef));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private HostedVersion Champion => _serving[ModelSlot.Champion];

    // An instance that crashes is started anew by the pool's rules, not by the supervisor's.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart()
    {
        var devices = _pool.Status(Elapsed());
        foreach (var instance in devices)
        {
            Start(instance.Number);
        }

        _log.Info(
            "Serving {Model} version {ModelVersion} ({WeightsSha256}) on {Devices}",
            Champion.Identity.Name, Champion.Identity.Version, Champion.Identity.WeightsSha256, string.Join(", ", devices.Select(instance => instance.Device)));
        LogEngines(Champion);
        Context.System.EventStream.Publish(new ModelHostStarted(Self));
    }

    protected override void PostStop()
    {
        _stopped.Cancel();
        _loading?.Cancel();
        foreach (var asker in _awaiting)
        {
            asker.Tell(new Akka.Actor.Status.Failure(new InvalidOperationException("The model host stopped.")));
        }

        // A batch that an instance has is answered by its thread; nobody else would answer one that waits.
        foreach (var (number, batch) in _batches.Where(batch => !batch.Value.Given))
        {
            batch.Asker.Tell(new BatchFailed(number, new InvalidOperationException("The model host stopped.")));
        }

        // Each model goes after the pass that may be under way.
        var copies = _versions.Values.SelectMany(version => version.Copies.Values).Concat(_leaving).ToList();
        _ = _beside.Run(() =>
        {
            copies.ForEach(copy => copy.Dispose());
            return true;
        });
        _beside.Dispose();
        _stopped.Dispose();
        _loading?.Dispose();
    }

    private void Start(int number)
    {
        // The name of one that has just ended is not free at once.
        var host = Self;
        var actor = Context.ActorOf(
            Props.Create(() => new ModelInstanceActor(number, host)), string.Create(CultureInfo.InvariantCulture, $"instance-{number}-{_incarnations++}"));
        Context.Watch(actor);
        _instances[number] = actor;
    }

    private void Run(RunBatch batch)
    {
        _passes++;
        _batches[batch.Batch] = new WaitingBatch(batch, Sender, Stopwatch.GetTimestamp());
        Apply(_pool.Offer(batch.Batch, Elapsed()));
    }

    private void Give(int instance, long number)
    {
        if (!_batches.TryGetValue(number, out var waiting))
        {
            // The thread of an instance whose actor ended has answered it since.
            Apply(_pool.Ended(instance, number, TimeSpan.Zero, Elapsed()));
            return;
        }

        waiting.Given = true;
        var batch = waiting.Batch;
        var champion = _versions[_pool.Holding(instance, ModelSlot.Champion)!.Value].Copies[instance];
        var chosen = batch.Slot == ModelSlot.Canary && _pool.Holding(instance, ModelSlot.Canary) is { } canary ? _versions[canary].Copies[instance] : champion;
        _canaryPasses += chosen == champion ? 0 : 1;
        _resizedPasses += batch.Crops.All(c => c.Gray.Length == chosen.InputSide * chosen.InputSide) ? 0 : 1;

        // Held until its end; the champion too, which answers where the canary fails.
        chosen.Passes++;
        champion.Passes++;
        _instances[instance].Tell(new RunPass(batch, waiting.Asker, chosen, champion, waiting.Came));
    }

    private void End(PassEnded pass)
    {
        var (batch, chosen, champion) = (pass.Pass.Batch, pass.Pass.Chosen, pass.Pass.Champion);
        var took = Stopwatch.GetElapsedTime(pass.Began, pass.Ended);
        _clocks[pass.Instance].Passed(champion.Ticket, pass.Pass.Came, pass.Began, pass.Ended);
        if (pass.CanaryFailure is { } canaryFailure)
        {
            _canaryFailures++;
            _log.Warning(
                canaryFailure, "The canary {ModelVersion} failed on a batch; the champion {Outcome}", chosen.Identity.Version, pass.Answers is null ? "failed too" : "answered it");
        }

        if (pass.Answers is { } answers && chosen == champion)
        {
            Shadow(batch, champion, answers);
        }

        Release(chosen);
        Release(champion);
        if (pass.Cause is null)
        {
            _batches.Remove(batch.Batch);
            Apply(_pool.Ended(pass.Instance, batch.Batch, took, Elapsed()));
        }
        else if (pass.IsBatchsFault || !_batches.ContainsKey(batch.Batch))
        {
            // Also one that an earlier incarnation of this actor gave to an instance.
            _batches.Remove(batch.Batch);
            pass.Pass.Asker.Tell(new BatchFailed(batch.Batch, pass.Cause));
            Apply(_pool.Ended(pass.Instance, batch.Batch, took, Elapsed()));
        }
        else
        {
            Apply(_pool.Broke(pass.Instance, batch.Batch, pass.Cause, took, Elapsed()));
        }
    }

    // After the answer and on the other thread, one pass at a time: what comes while it is busy is passed over.
    private void Shadow(RunBatch batch, HostedModel champion, IReadOnlyList<FacePrediction> answers)
    {
        if (!_serving.TryGetValue(ModelSlot.Shadow, out var version)
            || version.Ticket == champion.Ticket
            || version.Copies.Values.FirstOrDefault() is not { } shadow
            || MessageDraw.Of(batch.Batch.ToString(CultureInfo.InvariantCulture)) >= _slots.ShadowShare)
        {
            return;
        }

        if (_comparison?.Champion != champion.Identity.Version || _comparison.Shadow != shadow.Identity.Version)
        {
            _comparison = new ShadowComparison(champion.Identity.Version, shadow.Identity.Version);
        }

        if (_shadowBusy || _loading is not null)
        {
            _comparison.Dropped += batch.Crops.Count;
            return;
        }

        _shadowBusy = true;
        shadow.Passes++;
        var comparison = _comparison;
        var self = Self;
        _ = _beside.Run(() => shadow.Predict([.. batch.Crops.Select(c => new FaceCrop(c.Gray))], batch.Waiting)).PipeTo(
            self,
            self,
            success: predictions => new ShadowEnded(shadow, comparison, answers, predictions, null),
            failure: cause => new ShadowEnded(shadow, comparison, answers, null, cause));
    }

    private void Compare(ShadowEnded pass)
    {
        _shadowBusy = false;
        if (pass.Predictions is { } predictions)
        {
            pass.Comparison.Add(pass.Answers, predictions);
        }
        else
        {
            pass.Comparison.Failures++;
            _log.Warning(pass.Cause, "The shadow {ModelVersion} failed on a batch", pass.Shadow.Identity.Version);
        }

        Release(pass.Shadow);
    }

    private void Apply(IReadOnlyList<SlotEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case SlotEffect.Load load:
                    Load(load);
                    break;
                case SlotEffect.CancelLoad:
                    _loading?.Cancel();
                    break;
                case SlotEffect.Swap swap:
                    Swap(swap);
                    break;
                case SlotEffect.Dispose dispose:
                    _versions[dispose.Ticket].Retiring = true;
                    DisposeUnused(dispose.Ticket);
                    break;
                case SlotEffect.Report:
                    Report();
                    break;
            }
        }
    }

    private void Apply(IReadOnlyList<PoolEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PoolEffect.Run run:
                    Give(run.Instance, run.Batch);
                    break;
                case PoolEffect.Fail fail:
                    if (_batches.Remove(fail.Batch, out var batch))
                    {
                        batch.Asker.Tell(new BatchFailed(fail.Batch, fail.Cause));
                    }

                    break;
                case PoolEffect.TakeOut taken:
                    TakeOut(taken.Instance);
                    break;
                case PoolEffect.Try again:
                    Try(again.Instance);
                    break;
                case PoolEffect.Taken taken:
                    Apply(_slots.Taken(taken.Slot, taken.Ticket, Now()));
                    break;
                case PoolEffect.Left left:
                    DisposeUnused(left.Ticket);
                    break;
                case PoolEffect.Capacity:
                    Report();
                    break;
            }
        }

        if (_pool.NextTry is { } next)
        {
            var wait = next - Elapsed();
            Timers.StartSingleTimer(nameof(RetryDue), RetryDue.Instance, wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        }
    }

    private void TakeOut(int number)
    {
        var status = _pool.Status(Elapsed())[number];
        _log.Error("Instance {Instance} on {Device} is taken out; its batch runs elsewhere, and it is tried again. {Reason}", number, status.Device, status.Reason);
        foreach (var version in _versions.Values.ToList())
        {
            Retire(version.Replace(number, null));
        }
    }

    // Loads what the node holds once more for one instance, and tries it.
    private void Try(int number)
    {
        if (!_instances.ContainsKey(number))
        {
            Start(number);
        }

        var device = _pool.DeviceOf(number);
        var versions = _versions.Values.Where(version => !version.Retiring).Select(version => (version.Ticket, version.Pointer)).ToList();
        _log.Info("Instance {Instance} on {Device} is tried again", number, device);
        var (self, initial, loader, token) = (Self, _initial, _loader, _stopped.Token);
        _ = _beside.Run(() =>
        {
            var copies = new Dictionary<long, HostedModel>();
            try
            {
                foreach (var (ticket, pointer) in versions)
                {
                    token.ThrowIfCancellationRequested();
                    var models = pointer is null ? initial([device]) : loader.Load(pointer, [device], _ => { }, token);
                    copies[ticket] = new HostedModel(ticket, models[0]);
                    copies[ticket].Try();
                }

                return copies;
            }
            catch
            {
                copies.Values.ToList().ForEach(copy => copy.Dispose());
                throw;
            }
        }).PipeTo(self, self, success: copies => new InstanceReady(number, copies), failure: cause => new InstanceRefused(number, cause));
    }

    private void Returned(InstanceReady ready)
    {
        foreach (var (ticket, copy) in ready.Copies)
        {
            if (_versions.TryGetValue(ticket, out var version) && !version.Retiring)
            {
                Retire(version.Replace(ready.Instance, copy));
            }
            else
            {
                Dispose(copy, owner: null);
            }
        }

        var before = _pool.Capacity;
        var has = _versions.Values.Where(version => version.Copies.ContainsKey(ready.Instance)).Select(version => version.Ticket).ToHashSet();
        var effects = _pool.Returned(ready.Instance, has, Elapsed());
        if (_pool.Capacity > before)
        {
            _log.Info("Instance {Instance} on {Device} is in service again", ready.Instance, _pool.DeviceOf(ready.Instance));
        }

        Apply(effects);
    }

    private void Refused(InstanceRefused refused)
    {
        _log.Warning("Instance {Instance} on {Device} cannot serve yet. {Reason}", refused.Instance, _pool.DeviceOf(refused.Instance), refused.Cause.Message);
        Apply(_pool.Refused(refused.Instance, refused.Cause.Message, Elapsed()));
    }

    private void Load(SlotEffect.Load load)
    {
        _log.Info("Loading version {ModelVersion} beside {Serving}", load.Model.Version, Champion.Identity.Version);
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        _loading = cancellation;
        var token = cancellation.Token;
        var places = _pool.Serving().Select(number => (number, _pool.DeviceOf(number))).ToList();
        var (self, loader, began) = (Self, _loader, Stopwatch.GetTimestamp());
        _ = _beside.Run(() => Bring(load, places, loader, self, token)).PipeTo(
            self,
            self,
            success: version => new LoadEnded(load, version, Stopwatch.GetElapsedTime(began).TotalMilliseconds),
            failure: cause => new LoadBroke(load, cause));
    }

    // On the other thread.
    private static HostedVersion Bring(
        SlotEffect.Load load, List<(int Number, string Device)> places, IModelLoader loader, IActorRef self, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var models = loader.Load(load.Model, [.. places.Select(place => place.Device)], phase => self.Tell(new LoadProgress(load.Ticket, phase)), cancellation);
        var copies = places.Zip(models).ToDictionary(pair => pair.First.Number, pair => new HostedModel(load.Ticket, pair.Second));
        try
        {
            self.Tell(new LoadProgress(load.Ticket, ModelPhase.Warming));
            foreach (var copy in copies.Values)
            {
                copy.Try();
            }

            cancellation.ThrowIfCancellationRequested();
            return new HostedVersion(load.Ticket, load.Model, copies);
        }
        catch
        {
            copies.Values.ToList().ForEach(copy => copy.Dispose());
            throw;
        }
    }

    private void Loaded(LoadEnded ended)
    {
        EndLoad();
        _loads++;
        FerMetrics.ModelLoaded(ended.TookMs);
        _lastLoadMs = ended.TookMs;
        _longestLoadMs = Math.Max(_longestLoadMs, ended.TookMs);
        _versions[ended.Load.Ticket] = ended.Version;
        LogEngines(ended.Version);
        Apply(_slots.Loaded(ended.Load.Ticket, Now()));
    }

    private void LogEngines(HostedVersion version)
    {
        if (version.Engines is { } engines)
        {
            engines.Warnings.ToList().ForEach(warning => _log.Warning("Version {ModelVersion}: {EngineWarning}", version.Identity.Version, warning));
            _log.Info("Version {ModelVersion}: {EngineChoice}", version.Identity.Version, engines.Sentence);
        }
    }

    private void Broke(LoadBroke broke)
    {
        var superseded = broke.Cause is OperationCanceledException && _loading is { IsCancellationRequested: true };
        EndLoad();
        if (superseded)
        {
            _log.Info("The load of version {ModelVersion} was given up: something else is desired", broke.Load.Model.Version);
        }
        else
        {
            _failedLoads++;
            _log.Error(broke.Cause, "Version {ModelVersion} cannot serve; {Serving} goes on", broke.Load.Model.Version, Champion.Identity.Version);
        }

        Apply(_slots.LoadFailed(broke.Load.Ticket, broke.Cause.Message, Now()));
    }

    private void EndLoad()
    {
        _loading?.Dispose();
        _loading = null;
    }

    private void Swap(SlotEffect.Swap swap)
    {
        if (swap.Ticket is { } ticket)
        {
            var version = _versions[ticket];
            _serving[swap.Slot] = version;
            _swaps += swap.Slot == ModelSlot.Champion ? 1 : 0;
            _log.Info("The {Slot} is version {ModelVersion} ({WeightsSha256})", swap.Slot, version.Identity.Version, version.Identity.WeightsSha256);
        }
        else
        {
            _serving.Remove(swap.Slot);
            _log.Info("No {Slot} any more", swap.Slot);
        }

        if (swap.Slot != ModelSlot.Shadow)
        {
            Apply(_pool.Swap(swap.Slot, swap.Ticket, number => swap.Ticket is not { } wanted || _versions[wanted].Copies.ContainsKey(number), Elapsed()));
        }
        else if (swap.Ticket is { } shadow)
        {
            // Shadows run beside the instances.
            Apply(_slots.Taken(swap.Slot, shadow, Now()));
        }
    }

    private void Release(HostedModel copy)
    {
        copy.Passes--;
        if (copy is { Retiring: true, Passes: 0 })
        {
            Dispose(copy, _versions.GetValueOrDefault(copy.Ticket));
        }
    }

    // A copy that an instance leaves behind goes when its last pass has ended.
    private void Retire(HostedModel? copy)
    {
        if (copy is null)
        {
            return;
        }

        copy.Retiring = true;
        _leaving.Add(copy);
        if (copy.Passes == 0)
        {
            Dispose(copy, _versions.GetValueOrDefault(copy.Ticket));
        }
    }

    private void DisposeUnused(long ticket)
    {
        if (!_versions.TryGetValue(ticket, out var version) || !version.Retiring || _pool.Held(ticket))
        {
            return;
        }

        foreach (var number in version.Copies.Keys.ToList())
        {
            Retire(version.Replace(number, null));
        }

        Forget(version);
    }

    private void Dispose(HostedModel copy, HostedVersion? owner)
    {
        _leaving.Remove(copy);
        var self = Self;
        _ = _beside.Run(() =>
        {
            copy.Dispose();
            return true;
        }).PipeTo(self, self, success: _ => new CopyDisposed(owner), failure: _ => new CopyDisposed(owner));
    }

    private void Disposed(CopyDisposed disposed)
    {
        if (disposed.Owner is { } version)
        {
            version.InMemory--;
            Forget(version);
        }
    }

    private void Forget(HostedVersion version)
    {
        if (version is { Retiring: true, InMemory: 0 } && _versions.Remove(version.Ticket))
        {
            Apply(_slots.Retired(version.Ticket));
        }
    }

    private void Report()
    {
        var status = Status();
        foreach (var subscriber in _statusSubscribers)
        {
            subscriber.Tell(status);
        }

        var split = new TrafficSplit(_slots.CanaryShare, _pool.Capacity);
        if (split != _split)
        {
            _split = split;
            foreach (var subscriber in _trafficSubscribers)
            {
                subscriber.Tell(split);
            }
        }

        if (status.MayServe)
        {
            _awaiting.ForEach(asker => asker.Tell(ModelMayServe.Instance));
            _awaiting.Clear();
        }
    }

    private void Await()
    {
        if (_slots.MayServe)
        {
            Sender.Tell(ModelMayServe.Instance);
        }
        else
        {
            _awaiting.Add(Sender);
        }
    }

    private void Subscribe(HashSet<IActorRef> subscribers, object now)
    {
        subscribers.Add(Sender);
        Context.Watch(Sender);
        Sender.Tell(now);
    }

    private void Gone(IActorRef actor)
    {
        _statusSubscribers.Remove(actor);
        _trafficSubscribers.Remove(actor);
        foreach (var (number, _) in _instances.Where(instance => instance.Value.Equals(actor)).ToList())
        {
            _instances.Remove(number);
            Apply(_pool.Lost(number, "The instance's actor ended.", Elapsed()));
        }
    }

    private ModelHostStatus Status() => new(_slots.Desired.Sequence, _slots.MayServe, _slots.Status());

    private ModelHostStatistics Statistics() => new(
        _swaps,
        _passes,
        _canaryPasses,
        _canaryFailures,
        _resizedPasses,
        _clocks.Max(clock => clock.LongestSwapGapMs),
        _clocks.Max(clock => clock.LongestOtherGapMs),
        _clocks.Max(clock => clock.LongestIdleMs),
        _loads,
        _failedLoads,
        _lastLoadMs,
        _longestLoadMs,
        _versions.Count)
    {
        Engines = Champion.Engines?.Classes ?? [],
        Instances = _pool.Status(Elapsed()),
    };

    private DateTimeOffset Now() => _time.GetUtcNow();

    // The pool's time is monotonic: a step of the wall clock must not hold up an instance's return.
    private DateTimeOffset Elapsed() => _startedAt + _time.GetElapsedTime(_startedStamp);

    private sealed class WaitingBatch(RunBatch batch, IActorRef asker, long came)
    {
        public RunBatch Batch => batch;

        public IActorRef Asker => asker;

        public long Came => came;

        /// <summary>An instance has had it.</summary>
        public bool Given { get; set; }
    }

    private sealed record ShadowEnded(
        HostedModel Shadow,
        ShadowComparison Comparison,
        IReadOnlyList<FacePrediction> Answers,
        IReadOnlyList<FacePrediction>? Predictions,
        Exception? Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record LoadProgress(long Ticket, ModelPhase Phase) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record LoadEnded(SlotEffect.Load Load, HostedVersion Version, double TookMs) : INoSerializationVerificationNeeded;

    private sealed record LoadBroke(SlotEffect.Load Load, Exception Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record InstanceReady(int Instance, Dictionary<long, HostedModel> Copies) : INoSerializationVerificationNeeded;

    private sealed record InstanceRefused(int Instance, Exception Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record CopyDisposed(HostedVersion? Owner) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record RetryDue : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static RetryDue Instance { get; } = new();
    }
}

public static class ModelHostHosting
{
    private static readonly BackoffPolicy Backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));

    /// <summary>Adds the model host.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="devices">The device of each instance.</param>
    /// <param name="load">
    /// Loads and warms up the model that serves before the first promotion, for instances on these devices; called at start, before
    /// the actor system takes messages, and again should the host have to restart or an instance have to return.
    /// </param>
    /// <param name="loader">Loads versions of the registry.</param>
    public static AkkaConfigurationBuilder AddModelHost(
        this AkkaConfigurationBuilder builder,
        IReadOnlyList<string> devices,
        Func<IReadOnlyList<string>, IReadOnlyList<IExpressionModel>> load,
        IModelLoader loader) =>
        builder.WithActors((system, registry) =>
        {
            IReadOnlyList<IExpressionModel>? first = load(devices);
            Func<IReadOnlyList<string>, IReadOnlyList<IExpressionModel>> take = places => Interlocked.Exchange(ref first, null) ?? load(places);
            registry.Register<ModelHost>(system.ActorOf(
                Props.Create(() => new ModelHostActor(devices, Backoff, take, loader, TimeProvider.System)), "model-host"));
        });
}
