using FerActors.Inference.Faces;
using FerActors.Shared.Options;

namespace FerActors.Host.Benchmarks;

/// <summary>
/// Measures one node end to end and, in turn with it, the raw pipeline and a peer: what all of them feel alike, a busy neighbour or a
/// slow clock, then hardly changes their ratios.
/// </summary>
/// <param name="options">The node's options.</param>
/// <param name="settings">How long and with what.</param>
/// <param name="progress">Takes a line for each step.</param>
internal sealed class BenchRun(FerOptions options, BenchSettings settings, Action<string> progress)
{
    private const double Loaded = 0.70;
    private const double Unloaded = 0.05;
    private const int PeerConcurrency = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    private readonly List<LoadRow> _rows = [];

    public async Task<BenchReport> RunAsync(CancellationToken cancellation)
    {
        var machine = Machine.Describe();
        var queues = BenchQueues.Create(options.RabbitMq);
        progress("loading the model for the raw pipeline");

        // First of all, since it limits OpenCV, which must not have been loaded before.
        using var raw = new RawPipeline(options);
        Workload[] loads = [Workload.CroppedFaces(), Workload.Photos(settings.Photos)];
        await using var client = await LoadClient.ConnectAsync(queues, Patience, cancellation);
        progress("starting a node");
        try
        {
            await using var node = await BenchNode.StartAsync(settings.NodeArguments, queues, cancellation);
            var (peer, peerSays) = await StartPeerAsync(client, queues, cancellation);
            await using (peer)
            {
                var figures = new List<WorkloadFigures>();
                var latencies = new List<LatencyFigures>();
                foreach (var load in loads)
                {
                    var rounds = new List<Round>();
                    for (var i = 1; i <= settings.Rounds; i++)
                    {
                        rounds.Add(await RoundAsync(i, load, raw, node, client, queues, peer is not null, cancellation));
                    }

                    figures.Add(Figures(load, raw, rounds));
                    latencies.Add(await LatencyAsync(load, figures[^1].EndToEnd, node, client, queues, cancellation));
                }

                return new BenchReport(settings.Command, machine, raw.Describe(), peerSays, settings.Rounds, figures, _rows, latencies);
            }
        }
        finally
        {
            await client.DeleteAsync(queues);
        }
    }

    private async Task<(PlainPeer? Peer, string Says)> StartPeerAsync(LoadClient client, RabbitMqOptions queues, CancellationToken cancellation)
    {
        if (settings.PeerScript is null)
        {
            return (null, "not asked for");
        }

        var (python, absence) = await PlainPeer.FindAsync(settings.PeerScript, cancellation);
        if (python is null)
        {
            progress($"without the plain consumer: {absence}");
            return (null, $"absent, {absence}");
        }

        progress("starting the plain consumer");
        await client.DeclareAsync(BenchQueues.Peer(queues), cancellation);
        var detectors = new FaceDetectorFactory(options.Detection);
        var peer = await PlainPeer.StartAsync(
            python,
            settings.PeerScript,
            queues.Uri,
            BenchQueues.Peer(queues),
            options.Model.Path,
            detectors.Kind == DetectorKind.YuNet ? detectors.ModelPath : null,
            cancellation);
        return (peer, peer.Description);
    }

    private async Task<Round> RoundAsync(
        int number, Workload load, RawPipeline raw, BenchNode node, LoadClient client, RabbitMqOptions queues, bool peer, CancellationToken cancellation)
    {
        // On a thread of its own: it blocks, and the client's heartbeats must go on.
        var alone = await Task.Factory.StartNew(
            () => raw.Whole(load, settings.Window / 2), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        var batches = await node.BatchesAsync(cancellation);
        var before = ProcessorTime.Now([node.Process]);
        var summary = await new LoadGenerator(client, queues.ImagesQueue)
            .ClosedAsync(load, settings.Concurrency, WarmUp, settings.Window, cancellation);
        var used = ProcessorTime.Now([node.Process]) - before;
        batches = (await node.BatchesAsync(cancellation)).Since(batches);
        _rows.Add(new LoadRow(load.Name, "closed", settings.Concurrency, null, summary, batches));

        double? plain = peer
            ? (await new LoadGenerator(client, BenchQueues.Peer(queues))
                .ClosedAsync(load, PeerConcurrency, WarmUp / 2, settings.Window / 2, cancellation)).PerSecond
            : null;
        progress(BenchReport.Format(
            $"{load.Name}, round {number} of {settings.Rounds}: raw {alone.PerSecond:0.0}/s, end to end {summary.PerSecond:0.0}/s{(plain is { } p ? BenchReport.Format($", plain consumer {p:0.0}/s") : "")}"));
        return new Round(alone, summary, used, batches, plain);
    }

    private WorkloadFigures Figures(Workload load, RawPipeline raw, List<Round> rounds)
    {
        var batch = Math.Max(1, (int)Math.Round(rounds.Select(r => r.Batches).Aggregate((a, b) => a.And(b)).Mean is var mean && double.IsFinite(mean) ? mean : 1));
        double Cpu(Func<ProcessorTime, double> part) => Median(rounds.Select(r => part(r.Used) * 1000 / r.Summary.Outcomes.Values.Sum()));
        return new WorkloadFigures(
            load.Name,
            batch,
            raw.Forward(batch, settings.Window / 2).PerSecond,
            raw.Extract(load, settings.Window / 2).PerSecond,
            Median(rounds.Select(r => r.Raw.PerSecond)),
            Median(rounds.Select(r => r.Summary.PerSecond)),
            Median(rounds.Select(r => r.Summary.PerSecond / r.Raw.PerSecond)),
            Median(rounds.Select(r => r.Raw.CpuMs)),
            Cpu(used => used.Nodes),
            Cpu(used => used.Own),
            Cpu(used => used.Others),
            rounds[0].Peer is null ? null : Median(rounds.Select(r => r.Peer!.Value)));
    }

    private async Task<LatencyFigures> LatencyAsync(
        Workload load, double throughput, BenchNode node, LoadClient client, RabbitMqOptions queues, CancellationToken cancellation)
    {
        var unloaded = await OpenAsync(Unloaded);
        var loaded = await OpenAsync(Loaded);
        return new LatencyFigures(load.Name, loaded, unloaded);

        async Task<LatencyPercentiles> OpenAsync(double share)
        {
            // One image at least, where the node is so slow that its window had hardly any.
            var rate = Math.Max(throughput * share, 1 / settings.OpenFor.TotalSeconds);
            var time = settings.OpenAt(rate);
            var batches = await node.BatchesAsync(cancellation);
            var summary = await new LoadGenerator(client, queues.ImagesQueue)
                .OpenAsync(load, PoissonSchedule.Arrivals(rate, time, settings.Seed), cancellation);
            batches = (await node.BatchesAsync(cancellation)).Since(batches);
            _rows.Add(new LoadRow(load.Name, BenchReport.Format($"open, {share:0%}"), null, rate, summary, batches));
            progress(BenchReport.Format(
                $"{load.Name}, {rate:0.0}/s for {time.TotalSeconds:0} s: p50 {summary.Latency.P50:0.0} ms, p99 {summary.Latency.P99:0.0} ms"));
            return summary.Latency;
        }
    }

    internal static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private sealed record Round(RawFigure Raw, LoadSummary Summary, ProcessorTime Used, BatchHistogram Batches, double? Peer);
}
