using System.Collections.Concurrent;
using System.Diagnostics;
using FerActors.Host.Broker;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FerActors.Lab.Bench;

/// <summary>Sends images to a queue and measures each one's way. Thread-safe.</summary>
internal sealed class LoadClient : IAsyncDisposable
{
    private readonly IConnection _publishing;
    private readonly IConnection _consuming;
    private readonly IChannel _out;
    private readonly IChannel _in;
    private readonly string _reply;
    private readonly TimeSpan _patience;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Answer>> _waiting = new();
    private readonly ConcurrentQueue<string> _declared = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _sent;

    private LoadClient(IConnection publishing, IConnection consuming, IChannel output, IChannel input, string reply, TimeSpan patience)
    {
        (_publishing, _consuming, _out, _in, _reply, _patience) = (publishing, consuming, output, input, reply, patience);
    }

    /// <summary>The clock of the traces.</summary>
    public TimeSpan Now => Stopwatch.GetElapsedTime(_start);

    /// <summary>Images without an answer yet.</summary>
    public int Waiting => _waiting.Count;

    /// <param name="options">The broker and the queues, which are declared.</param>
    /// <param name="patience">After this time an image counts as unanswered.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<LoadClient> ConnectAsync(RabbitMqOptions options, TimeSpan patience, CancellationToken cancellation)
    {
        var connector = new RabbitConnector(options);
        var publishing = await connector.ConnectAsync("bench-out", cancellation);
        var consuming = await connector.ConnectAsync("bench-in", cancellation);
        var output = await publishing.CreateChannelAsync(new CreateChannelOptions(true, true), cancellation);
        var input = await consuming.CreateChannelAsync(cancellationToken: cancellation);
        await RabbitTopology.DeclareAsync(input, options, cancellation);
        var reply = await input.QueueDeclareAsync(
            $"fer.reply.{Guid.NewGuid():N}", durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellation);
        var client = new LoadClient(publishing, consuming, output, input, reply.QueueName, patience);
        var consumer = new AsyncEventingBasicConsumer(input);
        consumer.ReceivedAsync += client.ReceiveAsync;
        await input.BasicConsumeAsync(reply.QueueName, autoAck: true, consumer, cancellation);
        return client;
    }

    /// <summary>Sends one image and waits for its answer.</summary>
    /// <param name="queue">Where to.</param>
    /// <param name="load">The images; they go in turn.</param>
    /// <param name="intended">When it was due, by <see cref="Now"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="whenConfirmed">Called once the broker has it.</param>
    public async Task<RequestTrace> AskAsync(
        string queue, Workload load, TimeSpan intended, CancellationToken cancellation, Action? whenConfirmed = null)
    {
        var number = Interlocked.Increment(ref _sent);
        return (await AskAsync(queue, load, number, (int)(number % load.Bodies.Count), intended, whenConfirmed, cancellation)).Trace;
    }

    /// <summary>Sends one image of the load and gives the answer itself; absent where none came in time.</summary>
    /// <param name="queue">Where to.</param>
    /// <param name="load">The images.</param>
    /// <param name="image">The place of the image in the load.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<ClassificationResult?> ClassifyAsync(string queue, Workload load, int image, CancellationToken cancellation) =>
        (await AskAsync(queue, load, Interlocked.Increment(ref _sent), image, Now, whenConfirmed: null, cancellation)).Result;

    /// <summary>Deletes the node's queues and those that were declared for peers.</summary>
    public async Task DeleteAsync(RabbitMqOptions options)
    {
        foreach (var queue in _declared.Concat([options.ImagesQueue, options.ResultsQueue, options.DeadLetterQueue]))
        {
            await _in.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false);
        }

        await _in.ExchangeDeleteAsync(options.DeadLetterExchange);
    }

    /// <summary>Declares a plain durable queue for a peer.</summary>
    public Task DeclareAsync(string queue, CancellationToken cancellation)
    {
        _declared.Enqueue(queue);
        return _in.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, cancellationToken: cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _publishing.DisposeAsync();
        await _consuming.DisposeAsync();
    }

    private async Task<(RequestTrace Trace, ClassificationResult? Result)> AskAsync(
        string queue, Workload load, long number, int image, TimeSpan intended, Action? whenConfirmed, CancellationToken cancellation)
    {
        var id = $"bench-{number}-{_reply[^12..]}";
        var answer = new TaskCompletionSource<Answer>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        try
        {
            var sent = Now;
            var properties = new BasicProperties
            {
                MessageId = id,
                ReplyTo = _reply,
                DeliveryMode = DeliveryModes.Persistent,
                Headers = load.Headers.ToDictionary(h => h.Key, h => (object?)h.Value),
            };
            await _out.BasicPublishAsync("", queue, mandatory: true, properties, load.Bodies[image], cancellation);
            var confirmed = Now;
            whenConfirmed?.Invoke();
            try
            {
                var (arrived, read, result) = await answer.Task.WaitAsync(_patience, cancellation);
                return (new RequestTrace(intended, sent, confirmed, arrived, read, Outcome(result), result.Faces.Count, result.TimingsMs), result);
            }
            catch (TimeoutException)
            {
                return (new RequestTrace(intended, sent, confirmed, null, null, RequestTrace.Unanswered, 0, Timings.None), null);
            }
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    private static string Outcome(ClassificationResult result) =>
        result.Error?.Code ?? (result.Faces.Count > 0 ? RequestTrace.Classified : RequestTrace.NoFace);

    private Task ReceiveAsync(object sender, BasicDeliverEventArgs delivery)
    {
        var arrived = Now;
        var result = ResultJson.Deserialize(delivery.Body.Span);
        if (_waiting.TryGetValue(result.MessageId, out var waiting))
        {
            waiting.TrySetResult(new Answer(arrived, Now, result));
        }

        return Task.CompletedTask;
    }

    private sealed record Answer(TimeSpan Arrived, TimeSpan Read, ClassificationResult Result);
}
