using System.Collections.Concurrent;
using System.Diagnostics;
using FerActors.Host.Composition;
using FerActors.Inference.Alignment;
using FerActors.Inference.Faces;
using FerActors.Inference.Imaging;
using FerActors.Inference.Models;
using FerActors.Shared.Options;

namespace FerActors.Host.Benchmarks;

/// <param name="PerSecond">Faces or images a second.</param>
/// <param name="CpuMs">Processor milliseconds of each.</param>
internal readonly record struct RawFigure(double PerSecond, double CpuMs);

/// <summary>
/// The pipeline's work without what makes it a service: the same decoder, detector, aligner and model on the same threads as a node
/// has, in this process, without broker, actors, limits or results.
/// </summary>
internal sealed class RawPipeline : IDisposable
{
    private readonly FerOptions _options;
    private readonly FaceDetectorFactory _detectors;
    private readonly ImageLimits _limits;
    private readonly VitExpressionModel _model;
    private readonly int _workers;

    public RawPipeline(FerOptions options)
    {
        _workers = InferenceRole.Prepare(options).Workers;
        _options = options;
        _detectors = new FaceDetectorFactory(options.Detection);
        _limits = ImageLimits.From(options.Images);
        _model = VitExpressionModel.Load(options.Model, [1, options.Batching.MaxBatchSize]);
    }

    /// <summary>The node's settings in words.</summary>
    public string Describe() =>
        $"{_detectors.Kind}, {_workers} alignment worker(s), model {_model.Identity.Name} {_model.Identity.Version} with {_model.Engine} in {_model.ComputeType} "
        + $"on {_options.Model.EffectiveThreads(Environment.ProcessorCount)} thread(s), "
        + $"batches of up to {_options.Batching.MaxBatchSize}";

    /// <summary>The model alone, with its pre- and postprocessing.</summary>
    /// <param name="batch">Faces of each pass.</param>
    /// <param name="time">How long.</param>
    public RawFigure Forward(int batch, TimeSpan time)
    {
        var crops = Enumerable.Range(0, batch).Select(i => new FaceCrop(Noise(i))).ToList();
        _model.Predict(crops);
        return Measure(time, () => _model.Predict(crops).Count);
    }

    /// <summary>Decoding, detection and alignment alone, on all workers.</summary>
    public RawFigure Extract(Workload load, TimeSpan time) => Run(load, time, classify: false);

    /// <summary>Everything, with the workers and the model side by side as in a node. Batches are what has come up to the largest size.</summary>
    public RawFigure Whole(Workload load, TimeSpan time) => Run(load, time, classify: true);

    public void Dispose() => _model.Dispose();

    private RawFigure Run(Workload load, TimeSpan time, bool classify)
    {
        using var aligned = new BlockingCollection<IReadOnlyList<FaceCrop>>(_options.RabbitMq.Prefetch);
        using var stop = new CancellationTokenSource();
        var next = -1;
        var threads = Enumerable.Range(0, _workers).Select(_ => new Thread(Work) { IsBackground = true }).ToList();
        threads.ForEach(t => t.Start());
        var waiting = new Queue<FaceCrop>();
        try
        {
            // The first images make each worker's detector.
            for (var i = 0; i < _workers * 2; i++)
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
            using var extractor = new FaceExtractor(_detectors.Create(), _limits, _options.Detection.Alignment, _model.InputSide);
            while (!stop.IsCancellationRequested)
            {
                var body = load.Bodies[Interlocked.Increment(ref next) % load.Bodies.Count];
                try
                {
                    aligned.Add(Crops(extractor, new AlignImage(default, body, load.Request)), stop.Token);
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
                _model.Predict([.. Enumerable.Range(0, Math.Min(waiting.Count, _options.Batching.MaxBatchSize)).Select(_ => waiting.Dequeue())]);
            }

            waiting.Clear();
            return images;
        }
    }

    // A refused picture is an answer too.
    private static IReadOnlyList<FaceCrop> Crops(FaceExtractor extractor, AlignImage request)
    {
        try
        {
            return [.. extractor.Extract(request).Faces.Select(f => f.Crop)];
        }
        catch (ImageRejectedException)
        {
            return [];
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
        return new RawFigure(count / elapsed.TotalSeconds, used.Own * 1000 / count);
    }

    private byte[] Noise(int seed)
    {
        var gray = new byte[_model.InputSide * _model.InputSide];
        new Random(seed).NextBytes(gray);
        return gray;
    }
}
