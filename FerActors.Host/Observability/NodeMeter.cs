using System.Diagnostics.Metrics;
using System.Text.Json;
using FerActors.Host.Intake;
using FerActors.Inference.Serving;
using FerActors.Shared.Drift;

namespace FerActors.Host.Observability;

/// <summary>The measures that are read from <see cref="NodeStatistics"/>. Counts begin anew where an actor restarts, as Prometheus expects.</summary>
internal sealed class NodeMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "FerActors.Node";

    private readonly Meter _meter = new(MeterName);
    private volatile NodeStatistics _now = NodeStatistics.None;

    public NodeMeter()
    {
        _meter.CreateObservableUpDownCounter(
            "fer.queue.depth", Depths, "{image}", "Images (in batching: faces) that wait or are in work in a part of this node.");
        _meter.CreateObservableUpDownCounter(
            "fer.broker.messages", Broker, "{message}", "Messages ready in a queue of the broker, as a node with a connection sees it.");
        _meter.CreateObservableGauge("fer.broker.connected", Connections, "{connection}", "1 where a connection to the broker is up.");
        _meter.CreateObservableGauge(
            "fer.standstill", Standstills, "s", "Time since a part of this node last finished something, while work waits in it; 0 where none waits.");
        _meter.CreateObservableGauge(
            "fer.delivery.oldest", () => Oldest(_now.Transport), "s", "Age of the oldest image that this node has taken and not answered.");
        _meter.CreateObservableCounter("fer.deliveries", Deliveries, "{message}", "What became of deliveries.");
        _meter.CreateObservableCounter("fer.results.published", () => One(_now.Transport?.Published), "{message}", "Results that the broker confirmed.");
        _meter.CreateObservableCounter("fer.results.republished", () => One(_now.Transport?.Republished), "{message}", "Further attempts to publish a result.");
        _meter.CreateObservableCounter("fer.model.swaps", () => One(_now.Models?.Swaps), "{swap}", "How often another champion began to serve.");
        _meter.CreateObservableCounter("fer.model.load.failures", () => One(_now.Models?.FailedLoads), "{load}", "Versions that could not be loaded.");
        _meter.CreateObservableUpDownCounter("fer.model.held", () => One(_now.Models?.HeldModels), "{model}", "Models in memory.");
        _meter.CreateObservableGauge(
            "fer.model.swap.gap.max", () => Seconds(_now.Models?.LongestSwapGapMs), "s", "Longest time that a batch waited between two passes across a swap.");
        _meter.CreateObservableGauge("fer.drift.state", DriftStates, "{level}", "How far a watched signal has moved: 0 ok, 1 warn, 2 alert.");
        _meter.CreateObservableGauge(
            "fer.drift.psi", () => Drift(signal => signal.Psi), "1", "Population stability index of the window against the reference.");
        _meter.CreateObservableGauge(
            "fer.drift.ks", () => Drift(signal => signal.Ks), "1", "Kolmogorov-Smirnov distance of the window from the reference.");
        _meter.CreateObservableGauge("fer.model.engine", Engines, "{engine}", "1 for the engine that computes the champion's passes of a class of batch sizes.");
        _meter.CreateObservableGauge(
            "fer.model.instance.up", () => Instances(instance => instance.State is InstanceState.Free or InstanceState.Busy ? 1L : 0L), "{instance}", "1 where an instance of the model pool is in service, 0 where it failed and was taken out.");
        _meter.CreateObservableCounter(
            "fer.model.instance.passes", () => Instances(instance => instance.Passes), "{pass}", "Forward passes that an instance ended.");
        _meter.CreateObservableCounter(
            "fer.model.instance.failures", () => Instances(instance => instance.Failures), "{failure}", "Passes and returns of an instance that failed through its own fault.");
        _meter.CreateObservableCounter(
            "fer.model.instance.busy", () => Instances(instance => instance.Busy.TotalSeconds), "s", "Time that an instance has spent with passes; its rate is the share of time that the instance is busy.");
        _meter.CreateObservableGauge("fer.model.serving", Serving, "{version}", "1 for the champion's version.");
    }

    /// <summary>Replaces what is shown.</summary>
    public void Show(NodeStatistics statistics) => _now = statistics;

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Depths()
    {
        var now = _now;
        return Tagged("fer.part",
            ("transport", now.Transport?.InFlight),
            ("alignment", now.Pipeline?.Waiting),
            ("batching", now.Batching?.Waiting),
            ("results", now.Transport?.PendingResults),
            ("api", now.Gateway?.InFlight));
    }

    private IEnumerable<Measurement<long>> Broker() =>
        Tagged("messaging.destination.name", [.. (_now.Queues ?? new Dictionary<string, long>()).Select(queue => (queue.Key, (long?)queue.Value))]);

    private IEnumerable<Measurement<long>> Connections()
    {
        var now = _now;
        return Tagged("fer.connection",
            ("consumer", Flag(now.Transport?.ConsumerConnected)),
            ("publisher", Flag(now.Transport is { } transport ? transport.PublisherConnected && !transport.PublisherBlocked : null)),
            ("api", Flag(now.Gateway is { } gateway ? gateway.Connected && !gateway.Blocked : null)));
    }

    private IEnumerable<Measurement<double>> Standstills()
    {
        var now = _now;
        (string Part, bool Known, TimeSpan? Standing)[] parts =
        [
            ("consumer", now.Transport is not null, now.Transport?.Progress?.ConsumerStandstill),
            ("publisher", now.Transport is not null, now.Transport?.Progress?.PublisherStandstill),
            ("model", now.Batching is not null, now.Batching?.RunningFor),
            ("feedback", now.Feedback is not null, now.Feedback?.Standstill),
            ("api", now.Gateway is not null, now.Gateway?.Standstill),
        ];
        return parts.Where(part => part.Known)
            .Select(part => new Measurement<double>(part.Standing?.TotalSeconds ?? 0, new KeyValuePair<string, object?>("fer.part", part.Part)));
    }

    private static IEnumerable<Measurement<double>> Oldest(TransportStatistics? transport) =>
        transport is null ? [] : [new Measurement<double>(transport.Progress?.OldestUnanswered?.TotalSeconds ?? 0)];

    private IEnumerable<Measurement<long>> Deliveries()
    {
        var intake = _now.Transport?.Intake;
        return Tagged("fer.event",
            ("delivered", intake?.Delivered),
            ("redelivered", intake?.Redelivered),
            ("acknowledged", intake?.Acknowledged),
            ("dead_lettered", intake?.DeadLettered),
            ("returned", intake?.Returned),
            ("refused", intake?.Refused),
            ("deduplicated", intake?.Deduplicated));
    }

    private IEnumerable<Measurement<long>> Serving() => _now.Serving is { } serving
        ? [new Measurement<long>(1, new("fer.model.name", serving.Model.Name), new("fer.model.version", serving.Model.Version))]
        : [];

    private IEnumerable<Measurement<T>> Instances<T>(Func<InstanceStatus, T> measure)
        where T : struct => (_now.Models?.Instances ?? []).Select(instance => new Measurement<T>(
            measure(instance), new KeyValuePair<string, object?>("fer.instance", instance.Number), new KeyValuePair<string, object?>("fer.device", instance.Device)));

    private IEnumerable<Measurement<long>> Engines() => (_now.Models?.Engines ?? []).Select(engine => new Measurement<long>(
        1, new KeyValuePair<string, object?>("fer.batch.faces", engine.Sizes), new KeyValuePair<string, object?>("fer.engine", engine.Engine)));

    private IEnumerable<Measurement<long>> DriftStates() =>
        Tagged("fer.drift.signal", [.. (_now.Drift?.Signals ?? []).Select(signal => (NameOf(signal.Signal), (long?)signal.Level))]);

    private IEnumerable<Measurement<double>> Drift(Func<SignalStatus, double?> measure) =>
        from signal in _now.Drift?.Signals ?? []
        let value = measure(signal)
        where value is not null
        select new Measurement<double>(value.Value, new KeyValuePair<string, object?>("fer.drift.signal", NameOf(signal.Signal)));

    // As the reference's file has it.
    private static string NameOf(DriftSignal signal) => JsonNamingPolicy.SnakeCaseLower.ConvertName(signal.ToString());

    private static IEnumerable<Measurement<long>> Tagged(string tag, params (string Value, long? Count)[] counts) => counts
        .Where(count => count.Count is not null)
        .Select(count => new Measurement<long>(count.Count!.Value, new KeyValuePair<string, object?>(tag, count.Value)));

    private static IEnumerable<Measurement<long>> One(long? count) => count is { } value ? [new Measurement<long>(value)] : [];

    private static IEnumerable<Measurement<double>> Seconds(double? milliseconds) =>
        milliseconds is { } value ? [new Measurement<double>(value / 1000)] : [];

    private static long? Flag(bool? value) => value is { } known ? (known ? 1 : 0) : null;
}
