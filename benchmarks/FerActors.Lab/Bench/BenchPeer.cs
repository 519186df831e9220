using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Lab.Bench;

/// <summary>
/// The plain consumer at one batch size, as a run measures it: for each kind of image only after its answers have agreed with the node's,
/// and not at all where it is absent, has ended or computes something else.
/// </summary>
internal sealed class BenchPeer : IAsyncDisposable
{
    // A consumer that takes one image at a time needs some more, so that it never waits; one that takes batches needs several batches.
    private const int LeastConcurrency = 4;
    private const int Batches = 4;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    private readonly PlainPeer? _process;
    private readonly string _queue;
    private readonly int _batch;
    private readonly string? _absence;
    private readonly Dictionary<string, Figure.NotMeasured> _given = [];

    private BenchPeer(int batch, string queue, PlainPeer? process, string? absence, string says)
    {
        (_batch, _queue, _process, _absence) = (batch, queue, process, absence);
        Says = says;
    }

    /// <summary>For the tables.</summary>
    public string Name => BenchReport.Format($"batch {_batch}");

    /// <summary>Its libraries and threads, or why it is absent.</summary>
    public string Says { get; }

    /// <summary>A peer that cannot be measured.</summary>
    public static BenchPeer Without(int batch, string absence) => new(batch, "", null, absence, absence);

    /// <summary>Starts the consumer; where it does not come up, the peer says why.</summary>
    public static async Task<BenchPeer> StartAsync(
        string python, string script, FerOptions options, RabbitMqOptions queues, LoadClient client, int batch, CancellationToken cancellation)
    {
        var queue = BenchQueues.Peer(queues, batch);
        await client.DeclareAsync(queue, cancellation);
        try
        {
            var (process, ready) = await PlainPeer.StartAsync(python, script, options, queue, batch, cancellation);
            var slow = ready.HasFastBlas ? null : $"its BLAS is the {ready.Blas}; scripts/prepare peer installs OpenBLAS";
            return new BenchPeer(batch, queue, process, slow, ready.ToString());
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or System.Text.Json.JsonException)
        {
            return Without(batch, e.Message);
        }
    }

    /// <summary>Compares its answers with the node's on every image of the load; where one differs, the load is not measured.</summary>
    public async Task CheckAsync(
        Workload load, IReadOnlyList<ClassificationResult?> node, double tolerance, LoadClient client, CancellationToken cancellation)
    {
        if (_absence is not null)
        {
            return;
        }

        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _process!.Ended);
        try
        {
            var answers = await Task.WhenAll(load.Bodies.Select((_, i) => client.ClassifyAsync(_queue, load, i, bounded.Token)));
            for (var i = 0; i < answers.Length; i++)
            {
                if (Unequal(node[i], answers[i], tolerance) is { } difference)
                {
                    _given[load.Name] = new Figure.NotMeasured($"its answer to image {i + 1} of the {load.Name} differs from the node's: {difference}");
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            _given[load.Name] = await EndedAsync();
        }
    }

    /// <summary>Its images a second, or why there is no such figure.</summary>
    public async Task<Figure> MeasureAsync(Workload load, TimeSpan window, LoadClient client, CancellationToken cancellation)
    {
        if (_absence is not null)
        {
            return new Figure.NotMeasured(_absence);
        }

        // What has failed once fails again, after another minute of patience.
        if (_given.TryGetValue(load.Name, out var earlier))
        {
            return earlier;
        }

        var figure = await RunAsync();
        if (figure is Figure.NotMeasured failure)
        {
            _given[load.Name] = failure;
        }

        return figure;

        async Task<Figure> RunAsync()
        {
            using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _process!.Ended);
            try
            {
                var concurrency = Math.Max(LeastConcurrency, _batch == 1 ? 0 : _batch * Batches);
                return (await new LoadGenerator(client, _queue).ClosedAsync(load, concurrency, WarmUp, window, bounded.Token)).PerSecond;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return await EndedAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }

    private static string? Unequal(ClassificationResult? node, ClassificationResult? peer, double tolerance) => (node, peer) switch
    {
        (null, _) => "the node gave none",
        (_, null) => "the peer gave none",
        var (expected, seen) => PeerAgreement.Difference(expected, seen, tolerance),
    };

    private async Task<Figure.NotMeasured> EndedAsync() => new(await _process!.EndAsync());
}
