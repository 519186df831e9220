using System.Diagnostics;

namespace FerActors.Inference.Serving;

/// <summary>The gaps between passes, those across a change of champion and the others, and the times without anything to do.</summary>
internal sealed class PassClock
{
    private long? _lastEnd;
    private long _lastChampion;

    public double LongestSwapGapMs { get; private set; }

    public double LongestOtherGapMs { get; private set; }

    public double LongestIdleMs { get; private set; }

    /// <param name="champion">Ticket of the champion at the time.</param>
    /// <param name="came">Timestamp of the batch's arrival; until then there was nothing to do.</param>
    /// <param name="began">Timestamp of the pass's beginning.</param>
    /// <param name="ended">Timestamp of its end.</param>
    public void Passed(long champion, long came, long began, long ended)
    {
        if (_lastEnd is { } last)
        {
            LongestIdleMs = Math.Max(LongestIdleMs, Stopwatch.GetElapsedTime(last, came).TotalMilliseconds);
            var gap = Math.Max(0, Stopwatch.GetElapsedTime(Math.Max(last, came), began).TotalMilliseconds);
            if (champion == _lastChampion)
            {
                LongestOtherGapMs = Math.Max(LongestOtherGapMs, gap);
            }
            else
            {
                LongestSwapGapMs = Math.Max(LongestSwapGapMs, gap);
            }
        }

        (_lastEnd, _lastChampion) = (ended, champion);
    }
}
