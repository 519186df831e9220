using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FerActors.Lab.Bench;

/// <param name="Workload">What was sent.</param>
/// <param name="Loop"><c>closed</c>, or <c>open</c> with the share of the closed loop's throughput.</param>
/// <param name="Concurrency">Images under way at once, in a closed loop.</param>
/// <param name="RequestRate">Images a second on average, in an open loop.</param>
/// <param name="Summary">What was measured.</param>
/// <param name="Batches">Forward passes meanwhile.</param>
internal sealed record LoadRow(
    string Workload, string Loop, int? Concurrency, double? RequestRate, LoadSummary Summary, BatchHistogram Batches);

/// <summary>Medians over the rounds for one kind of image; rates are images a second, times processor milliseconds an image.</summary>
/// <param name="Workload">What was sent.</param>
/// <param name="RatioBar">End to end keeps so much of the raw pipeline at least.</param>
/// <param name="Batch">Faces of each pass of <paramref name="Forward"/>: the mean size end to end.</param>
/// <param name="Layouts">The raw pipeline on different numbers of workers and threads.</param>
/// <param name="Forward">The model alone on all cores, faces a second.</param>
/// <param name="Extract">Decoding, detection and alignment alone on all cores.</param>
/// <param name="Raw">Both side by side in the best layout, without a service around them.</param>
/// <param name="EndToEnd">Through the broker, the node and the broker.</param>
/// <param name="Ratio">Median over the rounds of end to end by raw, each of its own round.</param>
/// <param name="RawCpu">The raw pipeline's.</param>
/// <param name="NodeCpu">The node's, end to end.</param>
/// <param name="GeneratorCpu">This program's, end to end.</param>
/// <param name="OtherCpu">Everybody else's, the broker's among them.</param>
/// <param name="Peers">The plain consumer's rate for each of <see cref="BenchReport.Peers"/>.</param>
internal sealed record WorkloadFigures(
    string Workload,
    double RatioBar,
    int Batch,
    LayoutSearchResult Layouts,
    Figure Forward,
    Figure Extract,
    Figure Raw,
    Figure EndToEnd,
    Figure Ratio,
    Figure RawCpu,
    Figure NodeCpu,
    Figure GeneratorCpu,
    Figure OtherCpu,
    IReadOnlyList<Figure> Peers);

/// <param name="Workload">What was sent.</param>
/// <param name="Loaded">At 70 % of the closed loop's throughput.</param>
/// <param name="Unloaded">At 5 %.</param>
internal sealed record LatencyFigures(string Workload, LoadSummary Loaded, LoadSummary Unloaded)
{
    /// <summary>How much longer the 99th percentile gets under load.</summary>
    public Figure Growth => Loaded.Tail.Over(Unloaded.Tail);
}

/// <param name="Name">Which of the plain consumers.</param>
/// <param name="Says">Its versions, BLAS and threads, or why it is absent.</param>
internal sealed record PeerNote(string Name, string Says);

/// <summary>All that <c>fer-lab bench</c> measured.</summary>
/// <param name="Command">What made it.</param>
/// <param name="Machine">Processor, cores and how busy it was before.</param>
/// <param name="Settings">The node's.</param>
/// <param name="Peers">The plain consumers.</param>
/// <param name="Rounds">How often raw pipeline, node and peers took turns.</param>
/// <param name="Figures">Throughput.</param>
/// <param name="Rows">Every load that was put on the node.</param>
/// <param name="Latencies">Latency with and without load.</param>
internal sealed record BenchReport(
    string Command,
    string Machine,
    string Settings,
    IReadOnlyList<PeerNote> Peers,
    int Rounds,
    IReadOnlyList<WorkloadFigures> Figures,
    IReadOnlyList<LoadRow> Rows,
    IReadOnlyList<LatencyFigures> Latencies)
{
    /// <summary>Photos keep so much of the raw pipeline at least.</summary>
    public const double PhotosBar = 0.95;

    /// <summary>Crops, whose model is so fast that generator and broker take a tenth of the cores, keep so much at least.</summary>
    public const double CropsBar = 0.90;

    /// <summary>Latency under load is at most so many times that without.</summary>
    public const double GrowthBar = 3;

    /// <summary>The node is so many times as fast as a plain consumer at least.</summary>
    public const double PeerBar = 5;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new BoundsConverter() },
    };

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine(Format($"    {Command}")).AppendLine();
        text.AppendLine(Format($"{Machine}. {Settings}. Medians of {Rounds} rounds in which all took turns."));
        foreach (var (name, says) in Peers)
        {
            text.AppendLine(Format($"Plain consumer, {name}: {says}."));
        }

        text.AppendLine().AppendLine("Throughput, images a second (the model alone: faces a second)").AppendLine();
        Table(
            text,
            ["Images", "Model alone (batch)", "Detection + alignment alone", "Raw pipeline at its best", "End to end", "End to end / raw (bar)"],
            Figures.Select(f => new[]
            {
                f.Workload,
                Format($"{f.Forward.Show("0.0")} ({f.Batch})"),
                f.Extract.Show("0.0"),
                f.Raw.Show("0.0"),
                f.EndToEnd.Show("0.0"),
                Format($"{f.Ratio.Show("0.00")} (bar {f.RatioBar:0.00}, {Judge(f.Ratio.IsAtLeast(f.RatioBar))})"),
            }));

        text.AppendLine("The plain consumers, images a second").AppendLine();
        Table(
            text,
            ["Images", "Plain consumer", "Its images a second", "End to end", "Times the plain consumer (bar 5)"],
            Figures.SelectMany(f => Peers.Select((peer, i) => new[]
            {
                f.Workload,
                peer.Name,
                f.Peers[i].Show("0.0"),
                f.EndToEnd.Show("0.0"),
                Format($"{f.EndToEnd.Over(f.Peers[i]).Show("0.00")} ({Judge(f.EndToEnd.Over(f.Peers[i]).IsAtLeast(PeerBar))})"),
            })));

        text.AppendLine("The raw pipeline by its workers and the model's threads, images a second").AppendLine();
        Table(
            text,
            ["Images", "Alignment workers", "Threads of the model", "Images a second", ""],
            Figures.SelectMany(f => f.Layouts.Tried.Select(t => new[]
            {
                f.Workload,
                Format($"{t.Layout.Workers}"),
                Format($"{t.Layout.Threads}"),
                t.PerSecond.Show("0.0"),
                t.Layout == f.Layouts.Best ? "best" : "",
            })));

        text.AppendLine("Processor time, ms an image; the generator and the broker share the node's cores").AppendLine();
        Table(
            text,
            ["Images", "Raw pipeline", "Node", "Raw / node", "Generator", "Broker and all others"],
            Figures.Select(f => new[]
            {
                f.Workload,
                f.RawCpu.Show("0.00"),
                f.NodeCpu.Show("0.00"),
                f.RawCpu.Over(f.NodeCpu).Show("0.00"),
                f.GeneratorCpu.Show("0.00"),
                f.OtherCpu.Show("0.00"),
            }));

        text.AppendLine("Load; times in microseconds, latency from the intended moment of sending").AppendLine();
        Table(
            text,
            ["Images", "Loop", .. PerfAnalyzer.Select(c => c.Name)],
            Rows.Select(r => (string[])[r.Workload, r.Loop, .. PerfAnalyzer.Select(c => c.Value(r))]));

        text.AppendLine("Latency, ms").AppendLine();
        Table(
            text,
            ["Images", "p50 at 5 %", "p99 at 5 % (images)", "p50 at 70 %", "p99 at 70 % (images)", "p99 at 70 % / p99 at 5 % (bar 3)"],
            Latencies.Select(l => new[]
            {
                l.Workload,
                Format($"{l.Unloaded.Latency.P50:0.0}"),
                Format($"{l.Unloaded.Tail.Show("0.0")} ({l.Unloaded.Latency.Count})"),
                Format($"{l.Loaded.Latency.P50:0.0}"),
                Format($"{l.Loaded.Tail.Show("0.0")} ({l.Loaded.Latency.Count})"),
                Format($"{l.Growth.Show("0.00")} ({Judge(l.Growth.IsAtMost(GrowthBar))})"),
            }));

        text.AppendLine("Batches and outcomes").AppendLine();
        Table(
            text,
            ["Images", "Loop", "Faces of a pass: passes", "Mean", "p99 without the correction, ms", "Outcomes"],
            Rows.Select(r => new[]
            {
                r.Workload,
                r.Loop,
                r.Batches.ToString(),
                Format($"{r.Batches.Mean:0.0}"),
                Format($"{r.Summary.LatencyFromSend.P99:0.0}"),
                string.Join(", ", r.Summary.Outcomes.Select(o => Format($"{o.Key} {o.Value}"))),
            }));
        foreach (var line in NotMeasured().Distinct())
        {
            text.AppendLine(line);
        }

        return text.ToString().TrimEnd() + Environment.NewLine;
    }

    /// <summary>The columns of Triton's perf_analyzer, by its names and in its unit.</summary>
    internal static IReadOnlyList<(string Name, Func<LoadRow, string> Value)> PerfAnalyzer { get; } =
    [
        ("Concurrency", r => r.Concurrency is { } c ? Format($"{c}") : ""),
        ("Request Rate", r => r.RequestRate is { } rate ? Format($"{rate:0.0}") : ""),
        ("Inferences/Second", r => r.Summary.PerSecond.Show("0.0")),
        ("Client Send", r => Format($"{r.Summary.ClientSend:0}")),
        ("Network+Server Send/Recv", r => Format($"{r.Summary.Network:0}")),
        ("Server Queue", r => Format($"{r.Summary.ServerQueue:0}")),
        ("Server Compute Input", r => Format($"{r.Summary.ComputeInput:0}")),
        ("Server Compute Infer", r => Format($"{r.Summary.ComputeInfer:0}")),
        ("Server Compute Output", r => Format($"{r.Summary.ComputeOutput:0}")),
        ("Client Recv", r => Format($"{r.Summary.ClientReceive:0}")),
        ("p50 latency", r => Format($"{r.Summary.Latency.P50 * 1000:0}")),
        ("p90 latency", r => Format($"{r.Summary.Latency.P90 * 1000:0}")),
        ("p95 latency", r => Format($"{r.Summary.Latency.P95 * 1000:0}")),
        ("p99 latency", r => Format($"{r.Summary.Latency.P99 * 1000:0}")),
    ];

    /// <summary>A table in Markdown.</summary>
    internal static void Table(StringBuilder text, IReadOnlyList<string> head, IEnumerable<string[]> rows)
    {
        text.Append("| ").AppendJoin(" | ", head).AppendLine(" |");
        text.Append('|').Append(string.Concat(head.Select(_ => "---|"))).AppendLine();
        foreach (var row in rows)
        {
            text.Append("| ").AppendJoin(" | ", row).AppendLine(" |");
        }

        text.AppendLine();
    }

    internal static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Judge(bool met) => met ? "met" : "missed";

    // One line for each figure that the tables lack.
    private IEnumerable<string> NotMeasured()
    {
        var figures = Figures.SelectMany(f => new (string What, Figure Figure)[]
        {
            ($"{f.Workload}, model alone", f.Forward),
            ($"{f.Workload}, detection + alignment alone", f.Extract),
            ($"{f.Workload}, raw pipeline", f.Raw),
            ($"{f.Workload}, end to end", f.EndToEnd),
        }.Concat(Peers.Select((peer, i) => ($"{f.Workload}, plain consumer, {peer.Name}", f.Peers[i]))));
        return figures
            .Concat(Rows.Select(r => ($"{r.Workload}, {r.Loop} loop", r.Summary.PerSecond)))
            .Where(f => f.Item2 is Figure.NotMeasured)
            .Select(f => $"{char.ToUpperInvariant(Figure.Absent[0])}{Figure.Absent[1..]}: {f.Item1}: {((Figure.NotMeasured)f.Item2).Why}.");
    }

    // The keys of a dictionary in JSON are strings, and the last bound is infinite.
    private sealed class BoundsConverter : JsonConverter<IReadOnlyDictionary<double, long>>
    {
        public override IReadOnlyDictionary<double, long> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("Reports are only written.");

        public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<double, long> value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var (bound, count) in value)
            {
                writer.WriteNumber(double.IsInfinity(bound) ? "more" : bound.ToString(CultureInfo.InvariantCulture), count);
            }

            writer.WriteEndObject();
        }
    }
}
