using System.Collections.Concurrent;

namespace FerActors.Inference.Models;

/// <summary>
/// One thread for native work, with a queue. The actor that owns it never blocks: it starts work here and pipes the answer back.
/// </summary>
/// <remarks>
/// A thread of its own rather than the pool's: a forward pass or a detection holds its thread for milliseconds, which on the pool
/// would starve the cluster's heartbeats; and TorchSharp's scopes and gradient mode belong to a thread.
/// </remarks>
internal sealed class NativeThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Lock _ending = new();

    public NativeThread(string name)
    {
        var thread = new Thread(Loop) { IsBackground = true, Name = name };
        thread.Start();
    }

    /// <summary>Runs work after what was given before. Its exception becomes the task's.</summary>
    public Task<T> Run<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                completion.SetResult(work());
            }
            catch (Exception e)
            {
                completion.SetException(e);
            }
        });
        return completion.Task;
    }

    /// <summary>Ends the thread once the given work is done; returns at once.</summary>
    public void Dispose()
    {
        // The thread sees that nothing more comes before this call is over.
        lock (_ending)
        {
            _work.CompleteAdding();
        }
    }

    private void Loop()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }

        lock (_ending)
        {
            _work.Dispose();
        }
    }
}
