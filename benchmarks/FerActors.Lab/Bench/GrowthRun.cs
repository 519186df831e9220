using System.Text;
using FerActors.Host.Node;
using FerActors.Inference.Faces;
using FerActors.Shared.Options;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Lab.Bench;

/// <summary>How the cost grows with the queue's length, the photo's size, the faces in it, and the number of processes.</summary>
/// <param name="options">The node's options.</param>
/// <param name="settings">How long and with what.</param>
/// <param name="longestQueue">Messages of the longest queue; each shorter one is a tenth.</param>
/// <param name="plots">Folder for the plots.</param>
/// <param name="progress">Takes a line for each step.</param>
internal sealed class GrowthRun(FerOptions options, BenchSettings settings, int longestQueue, string plots, Action<string> progress)
{
    private const int MaxProcesses = 4;
    private const int TileSide = 160;
    private const int Quality = 85;

    private static readonly double[] Megapixels = [0.1, 0.2, 0.5, 1, 2, 5, 10, 24];
    private static readonly int[] FaceCounts = [1, 2, 5, 10, 20, 50];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    private readonly StringBuilder _text = new();

    /// <summary>Measures all four, writes the plots and gives the tables in Markdown.</summary>
    public async Task<string> RunAsync(CancellationToken cancellation)
    {
        _ = InferenceRole.Prepare(options);
        Directory.CreateDirectory(plots);
        _text.AppendLine($"    {settings.Command}").AppendLine().AppendLine($"{Machine.Describe()}.").AppendLine();
        var queues = BenchQueues.Create(options.RabbitMq);
        await using var client = await LoadClient.ConnectAsync(queues, Patience, cancellation);
        var load = new LoadGenerator(client, queues.ImagesQueue);
        try
        {
            progress("starting a node");
            await using (var node = await BenchNode.StartAsync(settings.NodeArguments, queues, cancellation))
            {
                await QueueAsync(load, node, cancellation);
                await SizeAsync(load, cancellation);
                await FacesAsync(load, cancellation);
            }

            await ProcessesAsync(load, queues, cancellation);
            return _text.ToString().TrimEnd() + Environment.NewLine;
        }
        finally
        {
            await client.DeleteAsync(queues);
        }
    }

    private async Task QueueAsync(LoadGenerator load, BenchNode node, CancellationToken cancellation)
    {
        var rows = new List<(int Count, double Seconds, LoadSummary Summary, double Memory)>();
        for (var count = 1; count <= longestQueue; count *= 10)
        {
            var (seconds, summary) = await load.BurstAsync(Workload.CroppedFaces(), count, cancellation);
            rows.Add((count, seconds, summary, node.MemoryMiB()));
            progress(BenchReport.Format($"queue of {count}: {seconds:0.00} s"));
        }

        Write(
            "Queue length: messages published at once, until the last result",
            ["Messages", "Seconds", "Images a second", "p50 latency, ms", "Node's memory, MiB"],
            rows.Select(r => new[]
            {
                BenchReport.Format($"{r.Count:N0}"),
                BenchReport.Format($"{r.Seconds:0.00}"),
                r.Summary.PerSecond.Show("0.0"),
                BenchReport.Format($"{r.Summary.Latency.P50:0}"),
                BenchReport.Format($"{r.Memory:0}"),
            }),
            "queue",
            "messages",
            "seconds",
            [new("until the last result", [.. Points(rows.Select(r => ((double)r.Count, Figure.Of(r.Count).Over(r.Summary.PerSecond))))])]);
    }

    private async Task SizeAsync(LoadGenerator load, CancellationToken cancellation)
    {
        using var photo = Photo(out var face);
        var rows = new List<(double Size, int Bytes, LoadSummary Summary)>();
        foreach (var size in Megapixels)
        {
            var scale = Math.Sqrt(size * 1e6 / ((double)photo.Width * photo.Height));
            using var scaled = new Mat();
            Cv2.Resize(photo, scaled, new Size((int)(photo.Width * scale), (int)(photo.Height * scale)), interpolation: InterpolationFlags.Linear);
            var body = scaled.ImEncode(".jpg", new ImageEncodingParam(ImwriteFlags.JpegQuality, Quality));
            rows.Add((size, body.Length, await AloneAsync(load, new Workload("photo", [body], Aligned: false), cancellation)));
            progress(BenchReport.Format($"photo of {size} megapixels: p50 {rows[^1].Summary.Latency.P50:0.0} ms"));
        }

        Write(
            $"Photo size: one photo{(face is null ? " without a face" : "")} at a time, scaled",
            ["Megapixels", "JPEG, KiB", "p50 latency, ms", "Decode, detect and align, ms", "Model, ms", "Faces found", "Outcomes"],
            rows.Select(r => new[]
            {
                BenchReport.Format($"{r.Size}"),
                BenchReport.Format($"{r.Bytes / 1024}"),
                BenchReport.Format($"{r.Summary.Latency.P50:0.0}"),
                BenchReport.Format($"{r.Summary.ComputeInput / 1000:0.0}"),
                BenchReport.Format($"{r.Summary.ComputeInfer / 1000:0.0}"),
                BenchReport.Format($"{r.Summary.Faces:0}"),
                string.Join(", ", r.Summary.Outcomes.Keys),
            }),
            "photo-size",
            "megapixels",
            "milliseconds",
            [
                new("latency, p50", [.. Points(rows.Select(r => (r.Size, Figure.Of(r.Summary.Latency.P50))))]),
                new("decode, detect and align", [.. Points(rows.Select(r => (r.Size, Figure.Of(r.Summary.ComputeInput / 1000))))]),
            ]);
    }

    private async Task FacesAsync(LoadGenerator load, CancellationToken cancellation)
    {
        using var photo = Photo(out var face);
        if (face is not { } box)
        {
            _text.AppendLine("Faces: no photo with a face is here.").AppendLine();
            return;
        }

        using var head = new Mat(photo, box);
        using var tile = new Mat();
        Cv2.Resize(head, tile, new Size(TileSide, TileSide), interpolation: InterpolationFlags.Area);
        var rows = new List<(int Count, LoadSummary Summary)>();
        foreach (var count in FaceCounts)
        {
            // The picture has one size, so that its decoding and search cost the same.
            using var sheet = new Mat(TileSide * 7, TileSide * 8, MatType.CV_8UC3, Scalar.All(128));
            for (var i = 0; i < count; i++)
            {
                using var place = new Mat(sheet, new Rect(TileSide * (i % 8), TileSide * (i / 8), TileSide, TileSide));
                tile.CopyTo(place);
            }

            var body = sheet.ImEncode(".jpg", new ImageEncodingParam(ImwriteFlags.JpegQuality, Quality));
            rows.Add((count, await AloneAsync(load, new Workload("faces", [body], Aligned: false), cancellation)));
            progress(BenchReport.Format($"{count} faces: p50 {rows[^1].Summary.Latency.P50:0.0} ms"));
        }

        Write(
            "Faces: one picture of 1280 x 1120 at a time",
            ["Faces in it", "Faces found", "p50 latency, ms", "Decode, detect and align, ms", "Model, ms"],
            rows.Select(r => new[]
            {
                BenchReport.Format($"{r.Count}"),
                BenchReport.Format($"{r.Summary.Faces:0}"),
                BenchReport.Format($"{r.Summary.Latency.P50:0.0}"),
                BenchReport.Format($"{r.Summary.ComputeInput / 1000:0.0}"),
                BenchReport.Format($"{r.Summary.ComputeInfer / 1000:0.0}"),
            }),
            "faces",
            "faces",
            "milliseconds",
            [
                new("latency, p50", [.. Points(rows.Select(r => ((double)r.Count, Figure.Of(r.Summary.Latency.P50))))]),
                new("model", [.. Points(rows.Select(r => ((double)r.Count, Figure.Of(r.Summary.ComputeInfer / 1000))))]),
            ]);
    }

    // Each process with one thread for the model and one worker: more of both would only compete with the other processes'.
    private async Task ProcessesAsync(LoadGenerator load, RabbitMqOptions queues, CancellationToken cancellation)
    {
        string[] arguments = [.. settings.NodeArguments, "--set", "Model:Threads=1", "--set", "Pipeline:AlignmentWorkers=1"];
        Workload[] loads = [Workload.CroppedFaces(), Workload.Photos(settings.Photos)];
        var nodes = new List<BenchNode>();
        var rows = new List<(int Count, LoadSummary[] Summaries)>();
        try
        {
            for (var count = 1; count <= MaxProcesses; count++)
            {
                nodes.Add(await BenchNode.StartAsync(arguments, queues, cancellation));
                var summaries = new LoadSummary[loads.Length];
                for (var i = 0; i < loads.Length; i++)
                {
                    summaries[i] = await load.ClosedAsync(loads[i], settings.Concurrency * count, WarmUp, settings.Window, cancellation);
                }

                rows.Add((count, summaries));
                progress(BenchReport.Format($"{count} processes: {summaries[0].PerSecond.Show("0.0")}/s crops, {summaries[1].PerSecond.Show("0.0")}/s photos"));
            }
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }

        Write(
            $"Processes, each with one thread for the model and one worker, on {Environment.ProcessorCount} cores",
            ["Processes", .. loads.Select(l => $"{l.Name}, images a second")],
            rows.Select(r => (string[])[BenchReport.Format($"{r.Count}"), .. r.Summaries.Select(s => s.PerSecond.Show("0.0"))]),
            "processes",
            "processes",
            "images a second",
            [.. loads.Select((l, i) => new PlotSeries(l.Name, [.. Points(rows.Select(r => ((double)r.Count, r.Summaries[i].PerSecond)))]))]);
    }

    // A plot has the points that were measured; a logarithmic axis has no 0.
    private static IEnumerable<(double X, double Y)> Points(IEnumerable<(double X, Figure Y)> rows)
    {
        foreach (var (x, figure) in rows)
        {
            if (figure is Figure.Measured(var y and > 0))
            {
                yield return (x, y);
            }
        }
    }

    private Task<LoadSummary> AloneAsync(LoadGenerator load, Workload photo, CancellationToken cancellation) =>
        load.ClosedAsync(photo, concurrency: 1, WarmUp / 2, settings.Window / 2, cancellation);

    // The photo with the largest face, and a square about that face; a made one without where there is none.
    private Mat Photo(out Rect? face)
    {
        OpenCvRuntime.EnsureLoaded();
        using var detector = new FaceDetectorFactory(options.Detection).Create();
        (Mat Photo, DetectedFace Face)? best = null;
        foreach (var body in Workload.Photos(settings.Photos).Bodies)
        {
            var photo = Cv2.ImDecode(body, ImreadModes.Color);
            if (detector.Detect(photo) is [var found, ..] && found.Box.Area > (best?.Face.Box.Area ?? 0))
            {
                best?.Photo.Dispose();
                best = (photo, found);
            }
            else
            {
                photo.Dispose();
            }
        }

        if (best is not var (picture, largest))
        {
            face = null;
            return SyntheticPhoto.Bgr(640, 480);
        }

        // With a margin of a third of the box on each side.
        var side = (int)Math.Min(largest.Box.Height * 5 / 3, Math.Min(picture.Width, picture.Height));
        var left = (int)Math.Clamp(largest.Box.X + ((largest.Box.Width - side) / 2), 0, picture.Width - side);
        var top = (int)Math.Clamp(largest.Box.Y + ((largest.Box.Height - side) / 2), 0, picture.Height - side);
        face = new Rect(left, top, side, side);
        return picture;
    }

    private void Write(
        string title, IReadOnlyList<string> head, IEnumerable<string[]> rows, string file, string x, string y, IReadOnlyList<PlotSeries> series)
    {
        _text.AppendLine(title).AppendLine();
        BenchReport.Table(_text, head, rows);
        var drawn = series.Where(s => s.Points.Count > 0).ToList();
        if (drawn.Count == 0)
        {
            return;
        }

        var path = Path.Combine(plots, file + ".svg");
        File.WriteAllText(path, SvgPlot.Draw(title, x, y, drawn));
        _text.AppendLine($"![{title}]({Path.GetFileName(plots)}/{file}.svg)").AppendLine();
    }
}
