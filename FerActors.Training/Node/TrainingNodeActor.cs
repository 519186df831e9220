using Akka.Actor;
using Akka.Event;
using FerActors.Shared.Options;
using FerActors.Shared.Telemetry;
using FerActors.Shared.Training;

namespace FerActors.Training.Node;

/// <summary>Carries out the runs that the supervisor gives to this node, and reports until each report is answered.</summary>
public sealed class TrainingNodeActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan ReportTimeout = TimeSpan.FromSeconds(5);

    private readonly IActorRef _supervisor;
    private readonly ITrainingExecutor _executor;
    private readonly TrainingServiceOptions _options;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<RunId, Attempt> _attempts = [];
    private readonly List<IActorRef> _drainers = [];
    private readonly string _name = $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}";
    private IReadOnlyList<string> _devices = [];
    private bool _draining;

    public TrainingNodeActor(IActorRef supervisor, ITrainingExecutor executor, TrainingServiceOptions options)
    {
        _supervisor = supervisor;
        _executor = executor;
        _options = options;
        Receive<TrainingWork.Start>(Start);
        Receive<TrainingWork.Stop>(Stop);
        Receive<Told>(told => Find(told.Id, told.Number, attempt => Report(attempt, told.Content)));
        Receive<Moved>(moved => Find(moved.Id, moved.Number, attempt =>
        {
            var progress = moved.Progress;
            attempt.Progress = progress;
            FerMetrics.TrainingAdvanced(moved.Id.ToString(), progress.Step, progress.Steps, progress.Loss, progress.ImagesPerSecond);
        }));
        Receive<Ended>(ended => Find(ended.Id, ended.Number, attempt => End(attempt, ended)));
        Receive<Said>(said => _log.Info("Run {Run}: {Sentence}", said.Id, said.Sentence));
        Receive<Answered>(answered => Find(answered.Id, answered.Number, attempt => Answer(attempt, answered.Result)));
        Receive<CommandResult>(_ =>
        {
            // A heartbeat was answered: the supervisor is away, and the next one finds it again.
        });
        Receive<DevicesFound>(found => Announce(found.Devices));
        Receive<Status.Failure>(failure => _log.Warning(failure.Cause, "The devices of this training node are unknown; it takes runs for any device and for the processor"));
        Receive<Tick>(_ => Beat());
        Receive<Drain>(_ => Leave());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, _options.HeartbeatEvery);
        Self.Tell(Tick.Instance);

        // libtorch is loaded for it, off this thread.
        Task.Run(_executor.FindDevices).PipeTo(Self, success: devices => new DevicesFound(devices));
    }

    protected override void PostStop()
    {
        foreach (var attempt in _attempts.Values)
        {
            attempt.Cancel();
        }
    }

    private void Start(TrainingWork.Start start)
    {
        // What is held is ended and reported first; the supervisor repeats the order.
        if (_draining || _attempts.ContainsKey(start.Spec.Id))
        {
            return;
        }

        _log.Info("Run {Run}, attempt {Attempt}, begins", start.Spec.Id, start.Attempt);
        var attempt = new Attempt(start.Spec.Id, start.Attempt);
        _attempts.Add(start.Spec.Id, attempt);
        var self = Self;
        var token = attempt.Token;
        Task.Run(() => _executor.RunAsync(start.Spec, start.Attempt, new Listener(self, start), token), CancellationToken.None).PipeTo(
            self,
            success: folder => new Ended(start.Spec.Id, start.Attempt, folder, null),
            failure: e => new Ended(start.Spec.Id, start.Attempt, null, e));
    }

    private void Stop(TrainingWork.Stop stop) => Find(stop.Id, stop.Attempt, attempt => attempt.Cancel());

    private void End(Attempt attempt, Ended ended)
    {
        attempt.HasEnded = true;
        IAttemptReport report = ended switch
        {
            { ModelFolder: { } folder } => new TrainingReports.Finished(attempt.Id, attempt.Number, folder),
            { Error: OperationCanceledException } when attempt.Token.IsCancellationRequested =>
                new TrainingReports.Stopped(attempt.Id, attempt.Number),
            _ => new TrainingReports.Failed(attempt.Id, attempt.Number, ended.Error!.Message),
        };
        if (report is TrainingReports.Failed)
        {
            _log.Error(ended.Error, "Run {Run}, attempt {Attempt}, has failed", attempt.Id, attempt.Number);
        }

        Report(attempt, report);
    }

    private void Report(Attempt attempt, IAttemptReport report)
    {
        if (report is TrainingReports.Epoch epoch)
        {
            FerMetrics.TrainingEvaluated(epoch.Id.ToString(), epoch.Metrics.Accuracy);
        }

        attempt.Reports.Enqueue(report);
        Send(attempt);
    }

    // One report at a time, in their order.
    private void Send(Attempt attempt)
    {
        if (attempt.IsWaiting || attempt.Reports.Count == 0)
        {
            return;
        }

        attempt.IsWaiting = true;
        _supervisor.Ask<CommandResult>(attempt.Reports.Peek(), ReportTimeout).PipeTo(
            Self,
            success: result => new Answered(attempt.Id, attempt.Number, result),
            failure: _ => new Answered(attempt.Id, attempt.Number, null));
    }

    private void Answer(Attempt attempt, CommandResult? result)
    {
        attempt.IsWaiting = false;
        if (result is null or { Code: CommandCode.Unavailable })
        {
            // The next heartbeat sends it again.
            return;
        }

        attempt.Reports.Dequeue();
        if (result.Run?.Run is not { Occupies: true } run || run.Attempt != attempt.Number)
        {
            // The supervisor has closed the attempt, by this report or before it.
            attempt.Reports.Clear();
            attempt.Cancel();
        }

        Send(attempt);
        if (attempt is { HasEnded: true, IsWaiting: false, Reports.Count: 0 })
        {
            _attempts.Remove(attempt.Id);
            attempt.Dispose();
            CheckDrained();
        }
    }

    private void Announce(IReadOnlyList<string> devices)
    {
        _devices = devices;
        _log.Info("This training node computes on {Devices}", string.Join(", ", devices));
        Beat();
    }

    private void Beat()
    {
        List<TrainingWork.HeldRun> held = [.. _attempts.Values.Select(a => new TrainingWork.HeldRun(a.Id, a.Number))];
        _supervisor.Tell(new TrainingWork.Heartbeat(_name, !_draining, held) { Devices = _devices });
        foreach (var attempt in _attempts.Values)
        {
            if (attempt.Progress is { } progress)
            {
                _supervisor.Tell(new TrainingWork.Progress(attempt.Id, attempt.Number, progress));
                attempt.Progress = null;
            }

            Send(attempt);
        }
    }

    private void Leave()
    {
        _draining = true;
        _drainers.Add(Sender);
        foreach (var attempt in _attempts.Values)
        {
            attempt.Cancel();
        }

        Beat();
        CheckDrained();
    }

    private void CheckDrained()
    {
        if (_draining && _attempts.Count == 0)
        {
            _drainers.ForEach(d => d.Tell(Akka.Done.Instance));
            _drainers.Clear();
        }
    }

    private void Find(RunId id, int number, Action<Attempt> action)
    {
        if (_attempts.TryGetValue(id, out var attempt) && attempt.Number == number)
        {
            action(attempt);
        }
    }

    /// <summary>Stop all runs with a checkpoint; answered by <see cref="Akka.Done"/> once the supervisor knows.</summary>
    internal sealed record Drain : INoSerializationVerificationNeeded
    {
        public static Drain Instance { get; } = new();
    }

    private sealed class Attempt(RunId id, int number) : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();

        public RunId Id => id;

        public int Number => number;

        public CancellationToken Token => _stop.Token;

        public Queue<IAttemptReport> Reports { get; } = [];

        public bool IsWaiting { get; set; }

        public bool HasEnded { get; set; }

        public RunProgress? Progress { get; set; }

        // Whoever waits on the token goes on in a thread of its own, not in the actor's.
        public void Cancel() => _ = _stop.CancelAsync();

        public void Dispose() => _stop.Dispose();
    }

    private sealed class Listener(IActorRef node, TrainingWork.Start start) : IRunListener
    {
        private RunId Id => start.Spec.Id;

        public void Reached(RunState state) => Tell(new TrainingReports.Phase(Id, start.Attempt, state));

        public void Advanced(RunProgress progress) => node.Tell(new Moved(Id, start.Attempt, progress));

        public void Say(string sentence) => node.Tell(new Said(Id, sentence));

        public void Finished(EpochMetrics epoch) => Tell(new TrainingReports.Epoch(Id, start.Attempt, epoch));

        private void Tell(IAttemptReport report) => node.Tell(new Told(Id, start.Attempt, report));
    }

    private sealed record Told(RunId Id, int Number, IAttemptReport Content) : INoSerializationVerificationNeeded;

    private sealed record Moved(RunId Id, int Number, RunProgress Progress) : INoSerializationVerificationNeeded;

    private sealed record Said(RunId Id, string Sentence) : INoSerializationVerificationNeeded;

    private sealed record Ended(RunId Id, int Number, string? ModelFolder, Exception? Error) : INoSerializationVerificationNeeded;

    private sealed record Answered(RunId Id, int Number, CommandResult? Result) : INoSerializationVerificationNeeded;

    private sealed record DevicesFound(IReadOnlyList<string> Devices) : INoSerializationVerificationNeeded;

    private sealed record Tick : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static Tick Instance { get; } = new();
    }
}
