using static TorchSharp.torch;

namespace FerActors.Training.Engine;

/// <summary>How a run shares out its threads: parts of a batch, each with some threads of libtorch.</summary>
/// <param name="All">All threads that the run may use.</param>
/// <param name="Parts">Parts of a batch that are computed at once.</param>
/// <param name="Each">Threads of libtorch within each part.</param>
internal sealed record ComputeThreads(int All, int Parts, int Each)
{
    /// <summary>The plan of a run; on another device than the processor there are no parts.</summary>
    public static ComputeThreads For(TrainingOptions options, Device device)
    {
        var all = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        var (parts, each) = device.type == TorchSharp.DeviceType.CPU ? BatchParts.Plan(all, options.BatchSize / options.Accumulate) : (1, all);
        return new ComputeThreads(all, parts, each);
    }

    /// <summary>Computes with the threads of one part, as a step does.</summary>
    public T InParts<T>(Func<T> work) => On(Each, work);

    /// <summary>Computes with all threads: outside the steps there are no parts, and one thread alone would leave the other cores idle.</summary>
    public T Together<T>(Func<T> work) => On(All, work);

    private static T On<T>(int threads, Func<T> work)
    {
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            return work();
        }
        finally
        {
            // The setting is the process's, and others may compute in it.
            set_num_threads(before);
        }
    }
}
