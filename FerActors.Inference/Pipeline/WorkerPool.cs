namespace FerActors.Inference.Pipeline;

/// <summary>
/// Which image goes to which worker, by pull: a worker has one image or none, and what finds no idle worker waits in one bounded
/// queue, so that a slow photo never holds up those behind it while another worker is idle. Pure state.
/// </summary>
/// <typeparam name="TImage">Names an image.</typeparam>
internal sealed class WorkerPool<TImage>
{
    private readonly Queue<TImage> _waiting = [];
    private readonly Stack<int> _idle = [];
    private readonly int _maxQueueSize;

    public WorkerPool(int workers, int maxQueueSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        _maxQueueSize = maxQueueSize;
        for (var i = workers - 1; i >= 0; i--)
        {
            _idle.Push(i);
        }
    }

    public int Waiting => _waiting.Count;

    /// <summary>Takes an image in.</summary>
    /// <param name="image">The image.</param>
    /// <param name="worker">The worker that gets it now, or -1 where it waits.</param>
    /// <returns><see langword="false"/> where the queue is full.</returns>
    public bool TryAdmit(TImage image, out int worker)
    {
        if (_idle.TryPop(out worker))
        {
            return true;
        }

        worker = -1;
        if (_waiting.Count >= _maxQueueSize)
        {
            return false;
        }

        _waiting.Enqueue(image);
        return true;
    }

    /// <summary>A worker is done with its image.</summary>
    /// <returns><see langword="true"/> and the image that it gets next, or <see langword="false"/> where none waits.</returns>
    public bool TryContinue(int worker, out TImage image)
    {
        if (_waiting.TryDequeue(out image!))
        {
            return true;
        }

        _idle.Push(worker);
        return false;
    }
}
