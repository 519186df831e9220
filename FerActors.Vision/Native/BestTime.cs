namespace FerActors.Vision.Native;

/// <summary>Times native work for a choice at load: which of two ways is the faster one on this machine.</summary>
public static class BestTime
{
    /// <summary>The shortest of some runs after one to warm up.</summary>
    public static TimeSpan Of(Action work, int rounds = 3, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        clock ??= TimeProvider.System;
        work();
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < rounds; i++)
        {
            var start = clock.GetTimestamp();
            work();
            var elapsed = clock.GetElapsedTime(start);
            best = elapsed < best ? elapsed : best;
        }

        return best;
    }
}
