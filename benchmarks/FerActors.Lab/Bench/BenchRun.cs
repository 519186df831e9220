using FerActors.Shared.Options;
using FerActors.Shared.Protocol;

namespace FerActors.Lab.Bench;

/// <summary>
/// Measures one node end to end and, in turn with it, the raw pipeline and the peers: what all of them feel alike, a busy neighbour or a
/// slow clock, then hardly changes their ratios.
/// </summary>
/// <param name="options">The node's options.</param>
/// <param name="settings">How long and with what.</param>
/// <param name="progress">Takes a line for each step.</param>
internal sealed class BenchRun(FerOptions options, BenchSettings settings, Action<string> progress)
{
    private const double Loaded = 0.70;
    private const double Unloaded = 0.05;

    // A first version of such a service takes one image at a time; a better one as many as the node.
    private static readonly int[] PeerBatches = [1, 32];

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
        Workload[] loads = [Workload.CroppedFaces(), Workload.Photos(settings.Photos, raw.Accepts)];
        await using var client = await LoadClient.ConnectAsync(queues, Patience, cancellation);
        var peers = new List<BenchPeer>();
        try
        {
            // Before the node and the peers are there to share the cores.
            var layouts = new List<LayoutSearchResult>();
            foreach (var load in loads)
            {
                layouts.Add(await AsideAsync(() => raw.Search(load, settings.Window / 2), cancellation));
                progress($"{load.Name}, raw pipeline: fastest with {layouts[^1].Best.Workers} worker(s) and {layouts[^1].Best.Threads} thread(s)");
            }

            progress("starting a node");
            await using var node = await BenchNode.StartAsync(settings.NodeArguments, queues, cancellation);
            await StartPeersAsync(peers, client, queues, cancellation);
            var figures = new List<WorkloadFigures>();
            var latencies = new List<LatencyFigures>();
            for (var i = 0; i < loads.Length; i++)
            {
                var (load, layout) = (loads[i], layouts[i].Best);
                await CheckPeersAsync(load, peers, client, queues, cancellation);
                var rounds = new List<Round>();
                for (var number = 1; number <= settings.Rounds; number++)
                {
                    rounds.Add(await RoundAsync(number, load, layout, raw, node, client, queues, peers, cancellation));
                }

                figures.Add(await AsideAsync(() => Figures(load, layouts[i], raw, rounds), cancellation));
                latencies.Add(await LatencyAsync(load, figures[^1].EndToEnd, node, client, queues, cancellation));
            }

            return new BenchReport(
                settings.Command,
                machine,
                raw.Describe(),
                [.. peers.Select(peer => new PeerNote(peer.Name, peer.Says))],
                settings.Rounds,
                figures,
                _rows,
                latencies);
        }
        finally
        {
            foreach (var peer in peers)
            {
                await peer.DisposeAsync();
            }

            await client.DeleteAsync(queues);
        }
    }

    private async Task StartPeersAsync(List<BenchPeer> peers, LoadClient client, RabbitMqOptions queues, CancellationToken cancellation)
    {
        var (python, absence) = settings.PeerScript is { } wanted ? await PlainPeer.FindAsync(wanted, cancellation) : (null, "it was not asked for");
        foreach (var batch in PeerBatches)
        {
            peers.Add(python is null
                ? BenchPeer.Without(batch, absence!)
                : await BenchPeer.StartAsync(python, settings.PeerScript!, options, queues, client, batch, cancellation));
            progress($"plain consumer, {peers[^1].Name}: {peers[^1].Says}");
        }
    }

    private async Task CheckPeersAsync(
        Workload load, List<BenchPeer> peers, LoadClient client, RabbitMqOptions queues, CancellationToken cancellation)
    {
        var answers = new List<ClassificationResult?>();
        for (var i = 0; i < load.Bodies.Count; i++)
        {
            answers.Add(await client.ClassifyAsync(queues.ImagesQueue, load, i, cancellation));
        }

        foreach (var peer in peers)
        {
            await peer.CheckAsync(load, answers, options.Model.ParityTolerance, client, cancellation);
        }
    }

    private async Task<Round> RoundAsync(
        int number,
        Workload load,
        RawLayout layout,
        RawPipeline raw,
        BenchNode node,
        LoadClient client,
        RabbitMqOptions queues,
        List<BenchPeer> peers,
        CancellationToken cancellation)
    {
        var alone = await AsideAsync(() => raw.Whole(load, layout, settings.Window / 2), cancellation);

        var batches = await node.BatchesAsync(cancellation);
        var before = ProcessorTime.Now([node.Process]);
        var summary = await new LoadGenerator(client, queues.ImagesQueue)
            .ClosedAsync(load, settings.Concurrency, WarmUp, settings.Window, cancellation);
        var used = ProcessorTime.Now([node.Process]) - before;
        batches = (await node.BatchesAsync(cancellation)).Since(batches);
        _rows.Add(new LoadRow(load.Name, "closed", settings.Concurrency, null, summary, batches));

        var plain = new List<Figure>();
        foreach (var peer in peers)
        {
            plain.Add(await peer.MeasureAsync(load, settings.Window, client, cancellation));
        }

        progress(
            $"{load.Name}, round {number} of {settings.Rounds}: raw {alone.PerSecond.Show("0.0")}/s, end to end {summary.PerSecond.Show("0.0")}/s"
            + string.Concat(peers.Zip(plain, (peer, figure) => $", plain consumer, {peer.Name} {figure.Show("0.0")}/s")));
        return new Round(alone, summary, used, batches, plain);
    }

    private WorkloadFigures Figures(Workload load, LayoutSearchResult layouts, RawPipeline raw, List<Round> rounds)
    {
        var batch = Math.Max(1, (int)Math.Round(rounds.Select(r => r.Batches).Aggregate((a, b) => a.And(b)).Mean is var mean && double.IsFinite(mean) ? mean : 1));
        var endToEnd = Figure.Median(rounds.Select(r => r.Summary.PerSecond));
        Figure Cpu(Func<ProcessorTime, double> part) => endToEnd is Figure.NotMeasured
            ? endToEnd
            : Figure.Median(rounds.Select(r => Figure.Of(part(r.Used) * 1000 / r.Summary.Outcomes.Values.Sum())));
        return new WorkloadFigures(
            load.Name,
            load.Aligned ? BenchReport.CropsBar : BenchReport.PhotosBar,
            batch,
            layouts,
            raw.Forward(batch, settings.Window / 2).PerSecond,
            raw.Extract(load, settings.Window / 2).PerSecond,
            Figure.Median(rounds.Select(r => r.Raw.PerSecond)),
            endToEnd,
            Figure.Median(rounds.Select(r => r.Summary.PerSecond.Over(r.Raw.PerSecond))),
            Figure.Median(rounds.Select(r => r.Raw.CpuMs)),
            Cpu(used => used.Nodes),
            Cpu(used => used.Own),
            Cpu(used => used.Others),
            [.. rounds[0].Peers.Select((_, i) => Figure.Median(rounds.Select(r => r.Peers[i])))]);
    }

    private async Task<LatencyFigures> LatencyAsync(
        Workload load, Figure throughput, BenchNode node, LoadClient client, RabbitMqOptions queues, CancellationToken cancellation)
    {
        var unloaded = await OpenAsync(Unloaded);
        var loaded = await OpenAsync(Loaded);
        return new LatencyFigures(load.Name, loaded, unloaded);

        async Task<LoadSummary> OpenAsync(double share)
        {
            // One image at least, where the node is so slow that its window had hardly any.
            var rate = Math.Max((throughput is Figure.Measured(var perSecond) ? perSecond : 0) * share, 1 / settings.OpenFor.TotalSeconds);
            var time = settings.OpenAt(rate);
            var batches = await node.BatchesAsync(cancellation);
            var summary = await new LoadGenerator(client, queues.ImagesQueue)
                .OpenAsync(load, PoissonSchedule.Arrivals(rate, time, settings.Seed), cancellation);
            batches = (await node.BatchesAsync(cancellation)).Since(batches);
            _rows.Add(new LoadRow(load.Name, BenchReport.Format($"open, {share:0%}"), null, rate, summary, batches));
            progress(BenchReport.Format(
                $"{load.Name}, {rate:0.0}/s for {time.TotalSeconds:0} s: p50 {summary.Latency.P50:0.0} ms, p99 {summary.Tail.Show("0.0")} ms"));
            return summary;
        }
    }

    // On a thread of its own: the work blocks, and the client's heartbeats must go on.
    private static Task<T> AsideAsync<T>(Func<T> work, CancellationToken cancellation) =>
        Task.Factory.StartNew(work, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private sealed record Round(RawFigure Raw, LoadSummary Summary, ProcessorTime Used, BatchHistogram Batches, IReadOnlyList<Figure> Peers);
}
