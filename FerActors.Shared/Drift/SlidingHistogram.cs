namespace FerActors.Shared.Drift;

/// <summary>The last values of a signal, counted in its reference's bins.</summary>
internal sealed class SlidingHistogram(SignalReference reference, int window)
{
    // What an empty bin of the reference counts as, so that the first value in it does not make the index infinite.
    private const double Epsilon = 1e-4;
    private readonly byte[] _bins = new byte[window];
    private readonly int[] _counts = new int[reference.Shares.Count];
    private int _next;

    /// <summary>Values in the window.</summary>
    public int Count { get; private set; }

    public void Add(double value)
    {
        if (Count == window)
        {
            _counts[_bins[_next]]--;
        }
        else
        {
            Count++;
        }

        var bin = reference.BinOf(value);
        _bins[_next] = (byte)bin;
        _counts[bin]++;
        _next = (_next + 1) % window;
    }

    /// <summary>Population stability index: the sum of (p - q) ln(p / q) over the bins. A bin that is empty in the window counts as half a value.</summary>
    public double Psi()
    {
        var sum = 0.0;
        for (var i = 0; i < _counts.Length; i++)
        {
            var expected = Math.Max(reference.Shares[i], Epsilon);
            var actual = Math.Max(_counts[i], 0.5) / Count;
            sum += (actual - expected) * Math.Log(actual / expected);
        }

        return Count == 0 ? 0 : sum;
    }

    /// <summary>Kolmogorov-Smirnov distance at the bins' bounds: at most that of the values themselves. An effect size, no test.</summary>
    public double Ks()
    {
        double largest = 0, difference = 0;
        for (var i = 0; i < _counts.Length && Count > 0; i++)
        {
            difference += ((double)_counts[i] / Count) - reference.Shares[i];
            largest = Math.Max(largest, Math.Abs(difference));
        }

        return largest;
    }
}
