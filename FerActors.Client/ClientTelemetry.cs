using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace FerActors.Client;

/// <summary>What OpenTelemetry sees of a client. The span's context travels with the image, so that the node's spans belong to its trace.</summary>
internal static class ClientTelemetry
{
    private static readonly ActivitySource Source = new(FerClient.TelemetryName);
    private static readonly Meter Meter = new(FerClient.TelemetryName);

    private static readonly Histogram<double> Durations = Meter.CreateHistogram(
        "fer.client.request.duration", "s", "From the call to its result or exception.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });

    private static readonly UpDownCounter<long> Active = Meter.CreateUpDownCounter<long>(
        "fer.client.active_requests", "{request}", "Requests that wait: for a place, for the connection or for their result.");

    private static readonly Counter<long> Resends = Meter.CreateCounter<long>(
        "fer.client.resends", "{image}", "Images that were sent again since the connection broke before their result came.");

    /// <summary>Begins a request.</summary>
    public static Activity? Begin(IImageTransport transport, string messageId, int bytes)
    {
        Active.Add(1, new KeyValuePair<string, object?>("fer.transport", transport.Name));
        return Source.StartActivity($"classify {transport.Target}", ActivityKind.Client)?
            .SetTag("fer.transport", transport.Name)
            .SetTag("messaging.message.id", transport.TakesMessageId ? messageId : null)
            .SetTag("messaging.message.body.size", bytes);
    }

    /// <summary>Ends a request.</summary>
    /// <param name="transport">How it went.</param>
    /// <param name="activity">Its span.</param>
    /// <param name="elapsed">How long it took.</param>
    /// <param name="error">The code; absent for a result.</param>
    public static void End(IImageTransport transport, Activity? activity, TimeSpan elapsed, string? error)
    {
        var name = new KeyValuePair<string, object?>("fer.transport", transport.Name);
        Active.Add(-1, name);
        if (error is null)
        {
            Durations.Record(elapsed.TotalSeconds, name);
        }
        else
        {
            Durations.Record(elapsed.TotalSeconds, name, new KeyValuePair<string, object?>("error.type", error));
            activity?.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error);
        }
    }

    /// <summary>An image is sent again.</summary>
    public static void Resent(string messageId)
    {
        Resends.Add(1);
        Activity.Current?.AddEvent(new ActivityEvent("resend", tags: new ActivityTagsCollection { ["messaging.message.id"] = messageId }));
    }
}
