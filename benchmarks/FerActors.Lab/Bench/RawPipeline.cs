using System.Collections.Concurrent;
using System.Diagnostics;
using FerActors.Host.Node;
using FerActors.Inference.Faces;
using FerActors.Inference.Models;
using FerActors.Inference.Pipeline;
using FerActors.Shared.Options;
using FerActors.Vision.Imaging;

namespace FerActors.Lab.Bench;

/// <param name="PerSecond">Faces or images a second.</param>
/// <param name="CpuMs">Processor milliseconds of each.</param>
internal readonly record struct RawFigure(Figure PerSecond, Figure CpuMs);

/// <summary>
/// The pipeline's work without what makes it a service: the same decoder, detector, aligner and model in this process, without broker,
/// actors, limits or results, on any number of workers and threads.
/// </summary>
internal sealed class RawPipeline : IDisposable
{
    private readonly FerOptions _options;
    private readonly FaceDetectorFactory _detectors;
    private readonly ImageLimits _limits;
    private readonly RawLayout _nodes;
    private readonly Dictionary<int, VitExpressionModel> _models = [];

    public RawPipeline(FerOptions options)
    {
        _nodes = new RawLayout(InferenceRole.Prepare(options).Workers, options.Model.EffectiveThreads(Cores));
        _options = options;
        _detectors = new FaceDetectorFactory(options.Detection);
        _limits = ImageLimits.From(options.Images);
        Model(_nodes.Threads);
    }

    private static int Cores => Environment.ProcessorCount;

    /// <summary>The node's settings in words.</summary>
    public string Describe()
    {
        var model = Model(_nodes.Threads);
        return $"{_detectors.Kind}, {_nodes.Workers} alignment worker(s), model {model.Identity.Name} {model.Identity.Version} with {model.Engines.Words} faces "
            + $"on {_nodes.Threads} thread(s), batches of up to {_options.Batching.MaxBatchSize}";
    }

    /// <summary>Whether the pipeline takes the picture; one that it refuses measures nothing.</summary>
    public bool Accepts(byte[] picture)
    {
        try
        {
            ImageDecoder.Decode(picture, _limits).Dispose();
            return true;
        }
        catch (ImageRejectedException)
        {
            return false;
        }
    }

    /// <summary>Finds the number of workers and threads with which <see cref="Whole"/> is fastest.</summary>
    /// <param name="load">The images.</param>
    /// <param name="time">How long each layout is measured.</param>
    public LayoutSearchResult Search(Workload load, TimeSpan time) => LayoutSearch.Find(Cores, layout => Whole(load, layout, time).PerSecond);

    /// <summary>The model alone on all cores, with its pre- and postprocessing.</summary>
    /// <param name="batch">Faces of each pass.</param>
    /// <param name="time">How long.</param>
    public RawFigure Forward(int batch, TimeSpan time)
    {
        var model = Model(Cores);
        var crops = Enumerable.Range(0, batch).Select(i => new FaceCrop(Noise(i, model.InputSide))).ToList();
        model.Predict(crops);
        return Measure(time, () => model.Predict(crops).Count);
    }

    /// <summary>Decoding, detection and alignment alone, on all cores.</summary>
    public RawFigure Extract(Workload load, TimeSpan time) => Run(load, Cores, Model(_nodes.Threads), classify: false, time);

    /// <summary>Everything, with the workers and the model side by side as in a node. Batches are what has come up to the largest size.</summary>
    public RawFigure Whole(Workload load, RawLayout layout, TimeSpan time) => Run(load, layout.Workers, Model(layout.Threads), classify: true, time);

    public void Dispose()
    {
        foreach (var model in _models.Values)
        {
            model.Dispose();
        }
    }

    private VitExpressionModel Model(int threads)
    {
        if (!_models.TryGetValue(threads, out var model))
        {
            model = VitExpressionModel.Load(_options.Model with { Threads = threads }, [1, _options.Batching.MaxBatchSize]);
            _models.Add(threads, model);
        }

        return model;
    }

    private RawFigure Run(Workload load, int workers, VitExpressionModel model, bool classify, TimeSpan time)
    {
        using var aligned = new BlockingCollection<IReadOnlyList<FaceCrop>>(_options.RabbitMq.Prefetch);
        using var stop = new CancellationTokenSource();
        var next = -1;
        var threads = Enumerable.Range(0, workers).Select(_ => new Thread(Work) { IsBackground = true }).ToList();
        threads.ForEach(t => t.Start());
        var waiting = new Queue<FaceCrop>();
        try
        {
            // The first images make each worker's detector.
            for (var i = 0; i < workers * 2; i++)
            {
                aligned.Take();
            }

            return Measure(time, Take);
        }
        finally
        {
            stop.Cancel();
            threads.ForEach(t => t.Join());
        }

        void Work()
        {
            using var extractor = new FaceExtractor(_detectors.Create(), _limits, _options.Detection.Alignment, model.InputSide);
            while (!stop.IsCancellationRequested)
            {
                var body = load.Bodies[Interlocked.Increment(ref next) % load.Bodies.Count];
                try
                {
                    aligned.Add([.. extractor.Extract(new AlignImage(default, body, load.Request)).Faces.Select(f => f.Crop)], stop.Token);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }

        int Take()
        {
            var images = 0;
            do
            {
                if (!aligned.TryTake(out var crops, images == 0 ? Timeout.Infinite : 0))
                {
                    break;
                }

                images++;
                foreach (var crop in crops)
                {
                    waiting.Enqueue(crop);
                }
            }
            while (waiting.Count < _options.Batching.MaxBatchSize);

            while (classify && waiting.Count > 0)
            {
                model.Predict([.. Enumerable.Range(0, Math.Min(waiting.Count, _options.Batching.MaxBatchSize)).Select(_ => waiting.Dequeue())]);
            }

            waiting.Clear();
            return images;
        }
    }

    // Calls until the time is over; the call returns how much it did.
    private static RawFigure Measure(TimeSpan time, Func<int> call)
    {
        var (before, watch, count) = (ProcessorTime.Now([]), Stopwatch.StartNew(), 0L);
        while (watch.Elapsed < time)
        {
            count += call();
        }

        var elapsed = watch.Elapsed;
        var used = ProcessorTime.Now([]) - before;
        return new RawFigure(Figure.Rate(count, elapsed.TotalSeconds), Figure.Of(used.Own * 1000 / count));
    }

    private static byte[] Noise(int seed, int side)
    {
        var gray = new byte[side * side];
        new Random(seed).NextBytes(gray);
        return gray;
    }
}
