using System.Diagnostics;

namespace FerActors.Inference.Models;

/// <summary>Times native work for a choice at load: which of two ways is the faster one on this machine.</summary>
internal static class BestTime
{
    private const int Rounds = 3;

    /// <summary>The shortest of three runs after one to warm up.</summary>
    public static TimeSpan Of(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        work();
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < Rounds; i++)
        {
            var watch = Stopwatch.StartNew();
            work();
            best = watch.Elapsed < best ? watch.Elapsed : best;
        }

        return best;
    }
}
