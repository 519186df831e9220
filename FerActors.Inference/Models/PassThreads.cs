using FerActors.Vision.Native;
using static TorchSharp.torch;

namespace FerActors.Inference.Models;

/// <summary>The threads of a model's passes: a batch is cut into parts, each of which is computed on a thread of its own.</summary>
/// <remarks>
/// libtorch's own way to use several cores splits every operation and waits for the slowest thread after each, some hundred times a
/// pass. For a compact model that costs more than it brings: parts, which meet once, take half the time or less for a batch, and a single
/// face is computed faster by one thread than by two. For a large model the opposite may hold for a single face, which is therefore
/// tried (<see cref="Try"/>).
/// </remarks>
internal sealed class PassThreads : IDisposable
{
    private readonly NativeThread[] _others;
    private bool _share;

    /// <param name="count">Threads in all, at least 1; the thread that runs a pass is one of them.</param>
    public PassThreads(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _others = [.. Enumerable.Range(1, count - 1).Select(part => new NativeThread($"model part {part}"))];
    }

    public int Count => _others.Length + 1;

    /// <summary>How many parts a batch is cut into, and how many threads of libtorch each of them has.</summary>
    public (int Parts, int ThreadsEach) Plan(int images)
    {
        var parts = Math.Clamp(images, 1, Count);
        return (parts, _share ? Count / parts : 1);
    }

    /// <summary>Finds out by measurement whether threads without a part of their own should share the operations of the others.</summary>
    /// <param name="single">A pass of one image that goes through <see cref="Run"/>.</param>
    public void Try(Action single)
    {
        ArgumentNullException.ThrowIfNull(single);
        if (Count > 1)
        {
            _share = Time(single, share: true) < Time(single, share: false);
        }
    }

    /// <summary>As many threads again, for another instance of the model; what was found out by measurement holds for them too.</summary>
    public PassThreads Another() => new(Count) { _share = _share };

    /// <summary>Computes all parts of a batch and waits for them; the calling thread computes the first.</summary>
    /// <param name="images">Images of the batch, at least 1.</param>
    /// <param name="part">From a part's first image and their number to its answer.</param>
    /// <returns>The answers in the order of the images.</returns>
    public T[] Run<T>(int images, Func<int, int, T> part)
    {
        ArgumentNullException.ThrowIfNull(part);
        var (parts, each) = Plan(images);
        T Compute(int number)
        {
            set_num_threads(each);
            var start = (int)((long)images * number / parts);
            return part(start, (int)((long)images * (number + 1) / parts) - start);
        }

        var others = Enumerable.Range(1, parts - 1).Select(number => _others[number - 1].Run(() => Compute(number))).ToArray();
        try
        {
            return [Compute(0), .. others.Select(other => other.GetAwaiter().GetResult())];
        }
        finally
        {
            // Whatever happened, no thread works on the images or the weights when this returns. A continuation would be the thread
            // pool's to run, and a pass must not wait for a pool that is busy.
            foreach (var other in others)
            {
                Task.WaitAny([other], CancellationToken.None);
            }
        }
    }

    /// <summary>Ends the threads; no pass may be running.</summary>
    public void Dispose()
    {
        foreach (var other in _others)
        {
            other.Dispose();
        }
    }

    private TimeSpan Time(Action single, bool share)
    {
        _share = share;
        return BestTime.Of(single);
    }
}
