using System.Diagnostics;
using FerActors.Host.Results;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Protocol;
using FerActors.Shared.Telemetry;

namespace FerActors.Host.Intake;

/// <summary>The span and the time of every open delivery, from its arrival to its settlement. It decides nothing.</summary>
/// <param name="queue">Where the deliveries come from.</param>
/// <param name="clock">The time.</param>
/// <param name="publish">Hears of every result.</param>
internal sealed class DeliveryTelemetry(string queue, TimeProvider clock, Action<ResultMade> publish)
{
    private readonly Dictionary<DeliveryKey, Open> _open = [];

    /// <summary>Age of the oldest open delivery; <see langword="null"/> where none is open.</summary>
    public TimeSpan? Oldest => _open.Count == 0 ? null : clock.GetElapsedTime(_open.Values.Min(open => open.Since));

    /// <summary>A delivery has arrived.</summary>
    public void Delivered(ImageDelivery delivery, int bodyBytes, ActivityContext parent) => _open[delivery.Key] = new Open(
        clock.GetTimestamp(),
        FerTracing.StartMessage("process", queue, delivery.MessageId, bodyBytes, parent)?.SetTag("messaging.rabbitmq.message.redelivered", delivery.Redelivered),
        parent);

    /// <summary>Its result, whether from a model or from the transport itself.</summary>
    public void Answered(DeliveryKey key, ClassificationResult result)
    {
        publish(new ResultMade(result));
        if (!_open.TryGetValue(key, out var open))
        {
            return;
        }

        open.Error = result.Error?.Code;
        if (open.Span is not { } span)
        {
            return;
        }

        var times = result.TimingsMs;
        span.SetTag("fer.model.version", result.Model?.Version)
            .SetTag("fer.faces", result.Faces.Count)
            .SetTag("fer.decode_ms", times.Decode)
            .SetTag("fer.detect_ms", times.Detect)
            .SetTag("fer.align_ms", times.Align)
            .SetTag("fer.queue_ms", times.Queue)
            .SetTag("fer.infer_ms", times.Infer);
        if (result.Error is { } error)
        {
            span.Fail(error.Code);
        }
    }

    /// <summary>The span that a delivery's result belongs to; the publisher's own where none is recorded here.</summary>
    public ActivityContext ContextOf(DeliveryKey key) => _open.TryGetValue(key, out var open) ? open.Span?.Context ?? open.Parent : default;

    /// <summary>It was acknowledged, returned or dead-lettered.</summary>
    public void Settled(DeliveryKey key)
    {
        if (_open.Remove(key, out var open))
        {
            open.Span?.Dispose();
            FerMetrics.Processed(clock.GetElapsedTime(open.Since).TotalSeconds, queue, open.Error);
        }
    }

    /// <summary>The session is gone, and with it every open delivery: the broker delivers them anew.</summary>
    public void Lost()
    {
        foreach (var open in _open.Values)
        {
            open.Span.Fail("session_lost");
            open.Span?.Dispose();
        }

        _open.Clear();
    }

    private sealed class Open(long since, Activity? span, ActivityContext parent)
    {
        public long Since => since;

        public Activity? Span => span;

        public ActivityContext Parent => parent;

        public string? Error { get; set; }
    }
}
