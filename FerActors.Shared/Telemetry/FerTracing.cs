using System.Diagnostics;
using FerActors.Shared.Messaging;

namespace FerActors.Shared.Telemetry;

/// <summary>Spans of messages, and their context in message headers as W3C Trace Context has it (<c>traceparent</c>, <c>tracestate</c>).</summary>
/// <remarks>The RabbitMQ client has spans of its own; they end with its handler, long before a message is settled, and are not used.</remarks>
public static class FerTracing
{
    /// <summary>The source's name.</summary>
    public const string SourceName = "FerActors";

    private const string Parent = "traceparent";
    private const string State = "tracestate";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Starts the span of a message. Absent where nobody listens or the trace is not sampled.</summary>
    /// <param name="operation"><c>send</c> or <c>process</c>.</param>
    /// <param name="queue">The queue's name.</param>
    /// <param name="messageId">The message's id.</param>
    /// <param name="bodyBytes">Bytes of its body.</param>
    /// <param name="parent">The span that it belongs to; the default begins a trace.</param>
    public static Activity? StartMessage(string operation, string queue, string messageId, int bodyBytes, ActivityContext parent)
    {
        // Without a current activity, since an actor's thread may still carry a stranger's.
        var kind = operation == "send" ? ActivityKind.Producer : ActivityKind.Consumer;
        var stranger = Activity.Current;
        Activity.Current = null;
        try
        {
            var activity = Source.StartActivity($"{operation} {queue}", kind, parent);
            return activity?
                .SetTag("messaging.system", "rabbitmq")
                .SetTag("messaging.operation.name", operation)
                .SetTag("messaging.operation.type", operation)
                .SetTag("messaging.destination.name", queue)
                .SetTag("messaging.rabbitmq.destination.routing_key", queue)
                .SetTag("messaging.message.id", messageId)
                .SetTag("messaging.message.body.size", bodyBytes);
        }
        finally
        {
            Activity.Current = stranger;
        }
    }

    /// <summary>Marks a span as failed.</summary>
    public static void Fail(this Activity? activity, string code) => activity?.SetTag("error.type", code).SetStatus(ActivityStatusCode.Error);

    /// <summary>Writes a context into headers; an empty one writes nothing.</summary>
    public static void Write(IDictionary<string, object?> headers, ActivityContext context)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (context.TraceId == default)
        {
            return;
        }

        headers[Parent] = $"00-{context.TraceId}-{context.SpanId}-{(byte)context.TraceFlags:x2}";
        if (context.TraceState is { Length: > 0 } state)
        {
            headers[State] = state;
        }
    }

    /// <summary>Reads the context that a publisher wrote; the default where there is none, or none that can be read.</summary>
    public static ActivityContext Read(IReadOnlyDictionary<string, object?> headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        return headers.TryGetValue(Parent, out var parent)
            && ActivityContext.TryParse(HeaderText.From(parent), HeaderText.From(headers.GetValueOrDefault(State)), isRemote: true, out var context)
            ? context
            : default;
    }
}
