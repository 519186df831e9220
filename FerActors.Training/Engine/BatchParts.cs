using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using FerActors.Vision.Model;
using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>Computes a batch's gradients in several parts at once, each on a thread of its own.</summary>
/// <remarks>
/// The other way to use several cores, libtorch's own, splits every single operation and waits for the slowest thread after each,
/// some thousand times a step; where other work wants the cores too, that is most of the time. Parts meet once a step. Each has
/// its own leaves over the same weights, so that no gradient is written by two threads, and the parts' gradients are added in a
/// fixed order, so that a step is repeatable.
/// </remarks>
internal sealed class BatchParts : IDisposable
{
    /// <summary>Fewer images than this make matrix products too small to be worth a thread.</summary>
    private const int FewestImages = 16;

    private readonly FlatParameters _parameters;
    private readonly Replica[] _others;

    /// <param name="parameters">The weights; remain the caller's.</param>
    /// <param name="count">Parts, at least 1.</param>
    /// <param name="threads">Threads of libtorch within each part, at least 1.</param>
    public BatchParts(FlatParameters parameters, int count, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _parameters = parameters;
        _others = Enumerable.Range(1, count - 1).Select(part => new Replica(parameters.Model, part, threads)).ToArray();
    }

    /// <summary>Computes the loss and the gradients of one part.</summary>
    /// <param name="model">The part's own model.</param>
    /// <param name="start">The part's first image within the batch.</param>
    /// <param name="count">Its images.</param>
    /// <returns>The part's share of the batch's loss, a scalar.</returns>
    public delegate Tensor PartLoss(Vit model, int start, int count);

    public int Count => _others.Length + 1;

    /// <summary>How many parts, and how many threads within each, use a number of threads best.</summary>
    /// <param name="threads">All threads, at least 1.</param>
    /// <param name="batchSize">Images of a batch, at least 1.</param>
    public static (int Parts, int ThreadsEach) Plan(int threads, int batchSize)
    {
        var parts = Math.Clamp(batchSize / FewestImages, 1, threads);
        return (parts, threads / parts);
    }

    /// <summary>Runs all parts and waits for them; the calling thread computes the first.</summary>
    /// <param name="batchSize">Images of the batch, at least <see cref="Count"/>.</param>
    /// <param name="loss">Called once for each part, on the part's thread.</param>
    /// <returns>The batch's loss and its gradients, fp32 [n].</returns>
    public (float Loss, Tensor Gradients) Run(int batchSize, PartLoss loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, Count);
        for (var part = 1; part < Count; part++)
        {
            var (start, count) = Range(part, batchSize);
            _others[part - 1].Start(loss, start, count);
        }

        ExceptionDispatchInfo? failure = null;
        var sum = 0f;
        try
        {
            sum = Backward(_parameters.Model, loss, 0, Range(0, batchSize).Count);
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
        }

        // Whatever happened, no thread works on the weights when this returns.
        foreach (var other in _others)
        {
            var (value, error) = other.Wait();
            sum += value;
            failure ??= error;
        }

        failure?.Throw();
        var gradients = _parameters.TakeGradients();
        foreach (var other in _others)
        {
            other.AddGradients(gradients);
        }

        return (sum, gradients);
    }

    /// <summary>Ends the threads; no part may be running.</summary>
    public void Dispose()
    {
        foreach (var other in _others)
        {
            other.Dispose();
        }
    }

    private (int Start, int Count) Range(int part, int batchSize)
    {
        var start = (int)((long)batchSize * part / Count);
        return (start, (int)((long)batchSize * (part + 1) / Count) - start);
    }

    private static float Backward(Vit model, PartLoss loss, int start, int count)
    {
        using var scope = NewDisposeScope();
        var share = loss(model, start, count);
        share.backward();
        return share.item<float>();
    }

    /// <summary>One part's leaves and thread.</summary>
    private sealed class Replica : IDisposable
    {
        private readonly Vit _model;
        private readonly List<Tensor> _leaves;
        private readonly BlockingCollection<(PartLoss Loss, int Start, int Count)> _work = new(1);
        private readonly BlockingCollection<(float Loss, ExceptionDispatchInfo? Failure)> _done = new(1);
        private readonly Thread _thread;

        public Replica(Vit original, int part, int threads)
        {
            var tensors = original.Tensors.ToDictionary(
                t => t.Key, t => t.Value.detach().requires_grad_(t.Value.requires_grad).DetachFromDisposeScope());
            _model = Vit.FromTensors(original.Config, tensors);
            _leaves = tensors.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => t.Value).Where(t => t.requires_grad).ToList();
            _thread = new Thread(() => Work(threads)) { IsBackground = true, Name = $"training part {part}" };
            _thread.Start();
        }

        public void Start(PartLoss loss, int start, int count) => _work.Add((loss, start, count));

        public (float Loss, ExceptionDispatchInfo? Failure) Wait() => _done.Take();

        /// <summary>Adds this part's gradients to a vector laid out as <see cref="FlatParameters.Values"/>, and releases them.</summary>
        public void AddGradients(Tensor all)
        {
            using var noGrad = no_grad();
            var offset = 0L;
            foreach (var leaf in _leaves)
            {
                var length = leaf.numel();
                if (leaf.grad is { } gradient)
                {
                    using (gradient)
                    using (var target = all.narrow(0, offset, length))
                    using (var flat = gradient.flatten())
                    {
                        target.Add(flat);
                        leaf.grad = null;
                    }
                }

                offset += length;
            }
        }

        public void Dispose()
        {
            _work.CompleteAdding();
            _thread.Join();
            _work.Dispose();
            _done.Dispose();
            _model.Dispose();
        }

        private void Work(int threads)
        {
            set_num_threads(threads);
            foreach (var (loss, start, count) in _work.GetConsumingEnumerable())
            {
                try
                {
                    _done.Add((Backward(_model, loss, start, count), null));
                }
                catch (Exception e)
                {
                    _done.Add((0, ExceptionDispatchInfo.Capture(e)));
                }
            }
        }
    }
}
