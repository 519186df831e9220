using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using FerActors.Inference.Models;
using FerActors.Shared.Registry;
using FerActors.Shared.Telemetry;

namespace FerActors.Inference.Serving;

/// <summary>
/// Owns the models and their threads. Batches run one at a time on one thread; versions are loaded, and shadows run, on another.
/// A swap changes one reference between two batches: a batch keeps the model it began with, which is disposed after the last one.
/// </summary>
public sealed class ModelHostActor : ReceiveActor
{
    private readonly IModelLoader _loader;
    private readonly TimeProvider _time;
    private readonly ModelSlots _slots;
    private readonly NativeThread _thread = new("fer-model");
    private readonly NativeThread _beside = new("fer-model-beside");
    private readonly CancellationTokenSource _stopped = new();
    private readonly Dictionary<long, HostedModel> _models = [];
    private readonly Dictionary<ModelSlot, HostedModel> _serving = [];
    private readonly HashSet<IActorRef> _statusSubscribers = [];
    private readonly HashSet<IActorRef> _trafficSubscribers = [];
    private readonly List<IActorRef> _awaiting = [];
    private readonly PassClock _clock = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private CancellationTokenSource? _loading;
    private ShadowComparison? _comparison;
    private bool _shadowBusy;
    private TrafficSplit _split = new(0);
    private long _swaps;
    private long _passes;
    private long _canaryPasses;
    private long _canaryFailures;
    private long _resizedPasses;
    private long _loads;
    private long _failedLoads;
    private double _lastLoadMs;
    private double _longestLoadMs;

    /// <param name="initial">Gives the model that serves before the first promotion, loaded and warm. The actor owns it from here on.</param>
    /// <param name="loader">Loads versions.</param>
    /// <param name="time">The clock of the status.</param>
    public ModelHostActor(Func<IExpressionModel> initial, IModelLoader loader, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(initial);
        ArgumentNullException.ThrowIfNull(time);
        _loader = loader;
        _time = time;
        var first = new HostedModel(ModelSlots.InitialTicket, initial());
        _models[first.Ticket] = first;
        _serving[ModelSlot.Champion] = first;
        _slots = new ModelSlots(first.Identity.Version, first.Identity.WeightsSha256, Now());
        Receive<RunBatch>(Run);
        Receive<PassEnded>(End);
        Receive<ShadowEnded>(Compare);
        Receive<SetDesiredModels>(desired => Apply(_slots.Desire(desired.Desired, Now())));
        Receive<LoadProgress>(progress => Apply(_slots.Progressed(progress.Ticket, progress.Phase, Now())));
        Receive<LoadEnded>(Loaded);
        Receive<LoadBroke>(Broke);
        Receive<ModelDisposed>(disposed => Apply(_slots.Retired(disposed.Ticket)));
        Receive<GetServingModel>(_ => Sender.Tell(new ServingModel(Champion.Identity, Champion.InputSide)));
        Receive<SubscribeModelStatus>(_ => Subscribe(_statusSubscribers, Status()));
        Receive<SubscribeTraffic>(_ => Subscribe(_trafficSubscribers, _split));
        Receive<AwaitMayServe>(_ => Await());
        Receive<GetShadowReport>(_ => Sender.Tell(_comparison?.Report() ?? ShadowReport.None));
        Receive<GetModelHostStatistics>(_ => Sender.Tell(Statistics()));
        Receive<Terminated>(gone => Forget(gone.ActorRef));
    }

    private HostedModel Champion => _serving[ModelSlot.Champion];

    protected override void PreStart()
    {
        _log.Info(
            "Serving {Model} version {ModelVersion} ({WeightsSha256})",
            Champion.Identity.Name, Champion.Identity.Version, Champion.Identity.WeightsSha256);
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

        // The models go after the pass that may be under way, on the same thread.
        var models = _models.Values.ToList();
        _ = _thread.Run(() =>
        {
            models.ForEach(m => m.Dispose());
            return true;
        });
        _thread.Dispose();
        _beside.Dispose();
        _stopped.Dispose();
        _loading?.Dispose();
    }

    private void Run(RunBatch batch)
    {
        var champion = Champion;
        var chosen = _serving.GetValueOrDefault(batch.Slot) is { } wanted && batch.Slot != ModelSlot.Shadow ? wanted : champion;
        _passes++;
        _canaryPasses += chosen == champion ? 0 : 1;
        _resizedPasses += batch.Crops.All(c => c.Gray.Length == chosen.InputSide * chosen.InputSide) ? 0 : 1;

        // Held until its end; the champion too, which answers where the canary fails.
        chosen.Passes++;
        champion.Passes++;
        var self = Self;
        var came = Stopwatch.GetTimestamp();
        _ = _thread.Run<object>(() =>
        {
            var began = Stopwatch.GetTimestamp();
            IReadOnlyList<FacePrediction>? answers = null;
            Exception? canaryFailure = null;
            var answering = chosen;
            try
            {
                try
                {
                    answers = chosen.Predict(batch.Crops, batch.Waiting);
                }
                catch (Exception e) when (chosen != champion)
                {
                    canaryFailure = e;
                    answering = champion;
                    answers = champion.Predict(batch.Crops, batch.Waiting);
                }

                var inferMs = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
                return new BatchClassified(batch.Batch, answers, answering.Identity, inferMs);
            }
            finally
            {
                self.Tell(new PassEnded(batch, chosen, champion, answers, canaryFailure, came, began, Stopwatch.GetTimestamp()));
            }
        }).PipeTo(Sender, Self, failure: cause => new BatchFailed(batch.Batch, cause));
    }

    private void End(PassEnded pass)
    {
        _clock.Passed(pass.Champion.Ticket, pass.Came, pass.Began, pass.Ended);
        if (pass.CanaryFailure is { } cause)
        {
            _canaryFailures++;
            _log.Warning(cause, "The canary {ModelVersion} failed on a batch; the champion answered it", pass.Chosen.Identity.Version);
        }

        if (pass.Answers is { } answers && pass.Chosen == pass.Champion)
        {
            Shadow(pass.Batch, pass.Champion, answers);
        }

        Release(pass.Chosen);
        Release(pass.Champion);
    }

    // After the answer and on the other thread, one pass at a time: what comes while it is busy is passed over.
    private void Shadow(RunBatch batch, HostedModel champion, IReadOnlyList<FacePrediction> answers)
    {
        if (!_serving.TryGetValue(ModelSlot.Shadow, out var shadow)
            || shadow == champion
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
                    _models[dispose.Ticket].Retiring = true;
                    DisposeUnused(_models[dispose.Ticket]);
                    break;
                case SlotEffect.Report:
                    Report();
                    break;
            }
        }
    }

    private void Load(SlotEffect.Load load)
    {
        _log.Info("Loading version {ModelVersion} beside {Serving}", load.Model.Version, Champion.Identity.Version);
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        _loading = cancellation;
        var token = cancellation.Token;
        var (self, loader, began) = (Self, _loader, Stopwatch.GetTimestamp());
        _ = _beside.Run(() => Bring(load, loader, self, token)).PipeTo(
            self,
            self,
            success: model => new LoadEnded(load, model, Stopwatch.GetElapsedTime(began).TotalMilliseconds),
            failure: cause => new LoadBroke(load, cause));
    }

    // On the other thread.
    private static HostedModel Bring(SlotEffect.Load load, IModelLoader loader, IActorRef self, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var model = new HostedModel(load.Ticket, loader.Load(load.Model, phase => self.Tell(new LoadProgress(load.Ticket, phase)), cancellation));
        try
        {
            self.Tell(new LoadProgress(load.Ticket, ModelPhase.Warming));
            model.Try();
            cancellation.ThrowIfCancellationRequested();
            return model;
        }
        catch
        {
            model.Dispose();
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
        _models[ended.Load.Ticket] = ended.Model;
        LogEngines(ended.Model);
        Apply(_slots.Loaded(ended.Load.Ticket, Now()));
    }

    private void LogEngines(HostedModel model)
    {
        if (model.Engines is { } engines)
        {
            engines.Warnings.ToList().ForEach(warning => _log.Warning("Version {ModelVersion}: {EngineWarning}", model.Identity.Version, warning));
            _log.Info("Version {ModelVersion}: {EngineChoice}", model.Identity.Version, engines.Sentence);
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
        if (swap.Ticket is not { } ticket)
        {
            _serving.Remove(swap.Slot);
            _log.Info("No {Slot} any more", swap.Slot);
            return;
        }

        _serving[swap.Slot] = _models[ticket];
        _swaps += swap.Slot == ModelSlot.Champion ? 1 : 0;
        _log.Info("The {Slot} is version {ModelVersion} ({WeightsSha256})", swap.Slot, _models[ticket].Identity.Version, _models[ticket].Identity.WeightsSha256);
    }

    private void Release(HostedModel model)
    {
        model.Passes--;
        DisposeUnused(model);
    }

    private void DisposeUnused(HostedModel model)
    {
        if (!model.Retiring || model.Passes > 0 || !_models.Remove(model.Ticket))
        {
            return;
        }

        var self = Self;
        _ = _beside.Run(() =>
        {
            model.Dispose();
            return model.Ticket;
        }).PipeTo(self, self, success: ticket => new ModelDisposed(ticket), failure: _ => new ModelDisposed(model.Ticket));
    }

    private void Report()
    {
        var status = Status();
        foreach (var subscriber in _statusSubscribers)
        {
            subscriber.Tell(status);
        }

        var split = new TrafficSplit(_slots.CanaryShare);
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

    private void Forget(IActorRef subscriber)
    {
        _statusSubscribers.Remove(subscriber);
        _trafficSubscribers.Remove(subscriber);
    }

    private ModelHostStatus Status() => new(_slots.Desired.Sequence, _slots.MayServe, _slots.Status());

    private ModelHostStatistics Statistics() => new(
        _swaps,
        _passes,
        _canaryPasses,
        _canaryFailures,
        _resizedPasses,
        _clock.LongestSwapGapMs,
        _clock.LongestOtherGapMs,
        _clock.LongestIdleMs,
        _loads,
        _failedLoads,
        _lastLoadMs,
        _longestLoadMs,
        _models.Count)
    {
        Engines = Champion.Engines?.Classes ?? [],
    };

    private DateTimeOffset Now() => _time.GetUtcNow();

    private sealed record PassEnded(
        RunBatch Batch,
        HostedModel Chosen,
        HostedModel Champion,
        IReadOnlyList<FacePrediction>? Answers,
        Exception? CanaryFailure,
        long Came,
        long Began,
        long Ended) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ShadowEnded(
        HostedModel Shadow,
        ShadowComparison Comparison,
        IReadOnlyList<FacePrediction> Answers,
        IReadOnlyList<FacePrediction>? Predictions,
        Exception? Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record LoadProgress(long Ticket, ModelPhase Phase) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record LoadEnded(SlotEffect.Load Load, HostedModel Model, double TookMs) : INoSerializationVerificationNeeded;

    private sealed record LoadBroke(SlotEffect.Load Load, Exception Cause) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

    private sealed record ModelDisposed(long Ticket) : INoSerializationVerificationNeeded, IDeadLetterSuppression;
}

public static class ModelHostHosting
{
    /// <summary>Adds the model host.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="load">
    /// Loads and warms up the model that serves before the first promotion; called at start, before the actor system takes
    /// messages, and again should the host have to restart.
    /// </param>
    /// <param name="loader">Loads versions of the registry.</param>
    public static AkkaConfigurationBuilder AddModelHost(this AkkaConfigurationBuilder builder, Func<IExpressionModel> load, IModelLoader loader) =>
        builder.WithActors((system, registry) =>
        {
            IExpressionModel? first = load();
            Func<IExpressionModel> take = () => Interlocked.Exchange(ref first, null) ?? load();
            registry.Register<ModelHost>(system.ActorOf(Props.Create(() => new ModelHostActor(take, loader, TimeProvider.System)), "model-host"));
        });
}
