using System.Diagnostics;
using System.Globalization;
using FerActors.Host.Tests.EndToEnd;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Testing.Processes;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FerActors.Cluster.Tests;

/// <summary>
/// A stream of images with a fixed number of them unanswered, at whatever speed the cluster has: each first answer lets one more image
/// in. It outlives the broker: an image without a confirm is sent again under its id, and an answer is acknowledged once it is here.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private const int Most = 96;
    private const int Publishers = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan TryAgain = TimeSpan.FromMilliseconds(250);

    private readonly RabbitMqOptions _options;
    private readonly string _name = Guid.NewGuid().ToString("N")[..6];
    private readonly byte[] _picture = Surroundings.Picture(".png", side: 48);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly SemaphoreSlim _window;
    private readonly CancellationTokenSource _enough = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, TimeSpan> _published = [];
    private readonly Dictionary<string, Outcome> _answered = [];
    private readonly List<Outcome> _first = [];
    private readonly List<Outcome> _again = [];
    private readonly List<ClassificationResult> _others = [];
    private readonly Task[] _publishing;
    private readonly Task _receiving;

    private Load(NodeQueues queues, int unanswered, bool listening)
    {
        _options = queues.Options;
        if (listening)
        {
            _listening.SetResult();
        }

        _window = new SemaphoreSlim(unanswered);
        _receiving = Task.Run(ReceiveAsync);
        _publishing = [.. Enumerable.Range(0, Publishers).Select(_ => Task.Run(PublishAsync))];
    }

    /// <summary>Time since the start.</summary>
    public TimeSpan Now => _clock.Elapsed;

    public int Published
    {
        get
        {
            lock (_lock)
            {
                return _published.Count;
            }
        }
    }

    /// <summary>Images with an answer.</summary>
    public int Answered
    {
        get
        {
            lock (_lock)
            {
                return _first.Count;
            }
        }
    }

    /// <summary>Answers to messages of others; a duplicate of an earlier load's image may come late.</summary>
    public List<ClassificationResult> Others
    {
        get
        {
            lock (_lock)
            {
                return [.. _others];
            }
        }
    }

    /// <param name="queues">The cluster's queues.</param>
    /// <param name="unanswered">Images on their way at any time; so many keep all nodes busy and some waiting.</param>
    /// <param name="listening">Without it no answer is read before <see cref="Listen"/>.</param>
    public static Load Start(NodeQueues queues, int unanswered = Most, bool listening = true) => new(queues, unanswered, listening);

    /// <summary>Begins to read answers.</summary>
    public void Listen() => _listening.TrySetResult();

    /// <summary>First answers in the order of their arrival.</summary>
    /// <param name="from">How many of them to leave out.</param>
    public List<Outcome> Answers(int from = 0)
    {
        lock (_lock)
        {
            return _first[from..];
        }
    }

    /// <summary>Waits while images flow.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var again = new PeriodicTimer(LookAgain);
        while (!condition())
        {
            Assert.False(patience.IsCancellationRequested, $"{Answered} of {Published} images answered; what is awaited does not come.");
            await again.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <summary>Waits for that many further answers.</summary>
    public Task MoreAsync(int answers)
    {
        var enough = Answered + answers;
        return UntilAsync(() => Answered >= enough);
    }

    /// <summary>Waits until each of the nodes has answered.</summary>
    /// <param name="nodes">The nodes, which were ready once.</param>
    /// <param name="from">How many answers to leave out.</param>
    /// <param name="version">Answers of other versions do not count.</param>
    /// <returns>When the first such answer of the last of them arrived.</returns>
    public async Task<TimeSpan> AnsweredByAsync(IEnumerable<ClusterNode> nodes, int from, string? version = null)
    {
        var missing = nodes.Select(node => node.Name).ToHashSet();
        var last = TimeSpan.Zero;
        await UntilAsync(() =>
        {
            var answers = Answers(from);
            from += answers.Count;
            foreach (var answer in answers.Where(answer => version is null || answer.Version == version))
            {
                last = missing.Remove(answer.Node) ? answer.At : last;
            }

            return missing.Count == 0;
        });
        return last;
    }

    /// <summary>Publishes no more, waits for what is unanswered, and counts.</summary>
    public async Task<Tally> FinishAsync()
    {
        await _enough.CancelAsync();
        await Task.WhenAll(_publishing);
        await UntilAsync(() => Answered >= Published);
        await using var client = await PublisherClient.ConnectAsync(_options.Uri);
        using var patience = new CancellationTokenSource(Patience);
        uint waiting;

        // A node may just be acknowledging; an image that came back meanwhile is answered once more.
        while ((waiting = await client.Channel.MessageCountAsync(_options.ImagesQueue)) > 0 && !patience.IsCancellationRequested)
        {
            await Task.Delay(LookAgain);
        }

        var dead = await client.Channel.MessageCountAsync(_options.DeadLetterQueue);
        lock (_lock)
        {
            Outcome[] all = [.. _first, .. _again];
            var good = all.Where(o => o.Error is null).ToList();
            var unequal = good.GroupBy(o => o.Version).Sum(version => version.Count(o => !o.Agrees(version.First())));
            return new Tally(_published.Count, _first.Count, _again.Count, all.Length - good.Count, unequal, waiting, dead);
        }
    }

    /// <summary>The longest time between two answers that follow each other.</summary>
    public static TimeSpan LongestGap(IEnumerable<Outcome> answers)
    {
        var times = answers.Select(o => o.At).ToList();
        return times.Count < 2 ? TimeSpan.Zero : times.Zip(times.Skip(1), (before, after) => after - before).Max();
    }

    public async ValueTask DisposeAsync()
    {
        await _enough.CancelAsync();
        await _stop.CancelAsync();
        await Task.WhenAll([.. _publishing, _receiving]);
        _enough.Dispose();
        _stop.Dispose();
        _window.Dispose();
    }

    private async Task PublishAsync()
    {
        PublisherClient? client = null;
        try
        {
            while (true)
            {
                await _window.WaitAsync(_enough.Token);
                var id = Take();
                while (!await TryPublishAsync(id))
                {
                    await CloseAsync();
                    await Task.Delay(TryAgain, _stop.Token);
                }
            }
        }
        catch (Exception) when (_enough.IsCancellationRequested)
        {
            // Enough, or the spec has failed and what it left unpublished is of no interest.
            await CloseAsync();
        }

        async Task<bool> TryPublishAsync(string id)
        {
            try
            {
                client ??= await PublisherClient.ConnectAsync(_options.Uri);
                await client.PublishAsync(_options.ImagesQueue, _picture, properties =>
                {
                    properties.MessageId = id;
                    properties.Headers = new Dictionary<string, object?> { [RequestHeaders.Aligned] = "true" };
                });
                return true;
            }
            catch (Exception) when (!_stop.IsCancellationRequested)
            {
                // The broker is away, or has an alarm and confirms nothing.
                return false;
            }
        }

        async Task CloseAsync()
        {
            if (client is not null)
            {
                await client.DisposeAsync();
                client = null;
            }
        }
    }

    private string Take()
    {
        lock (_lock)
        {
            var id = $"{_name}-{_published.Count.ToString(CultureInfo.InvariantCulture)}";
            _published[id] = Now;
            return id;
        }
    }

    private async Task ReceiveAsync()
    {
        await Task.WhenAny(_listening.Task, Task.Delay(Timeout.Infinite, _stop.Token));
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync();
            }
            catch (Exception) when (!_stop.IsCancellationRequested)
            {
                // Until the broker is back.
                await Task.Delay(TryAgain);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task ConsumeAsync()
    {
        var factory = new ConnectionFactory { Uri = new Uri(_options.Uri), AutomaticRecoveryEnabled = false };
        await using var connection = await factory.CreateConnectionAsync("fer-load", _stop.Token);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: _stop.Token);
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, _) =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            Hear(ResultJson.Deserialize(delivery.Body.Span));
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicQosAsync(0, 2 * Most, global: false, _stop.Token);
        await channel.BasicConsumeAsync(_options.ResultsQueue, autoAck: false, consumer, _stop.Token);
        await closed.Task.WaitAsync(_stop.Token);
    }

    private void Hear(ClassificationResult result)
    {
        lock (_lock)
        {
            if (!_published.TryGetValue(result.MessageId, out var published))
            {
                _others.Add(result);
                return;
            }

            var outcome = new Outcome(
                result.MessageId,
                published,
                Now,
                result.Node,
                result.Model?.Version,
                result.Error?.Code,
                [.. result.Faces.Take(1).SelectMany(face => face.Emotions).Select(emotion => emotion.Probability)]);
            if (!_answered.TryAdd(outcome.Id, outcome))
            {
                _again.Add(outcome);
                return;
            }

            _first.Add(outcome);
        }

        _window.Release();
    }
}
