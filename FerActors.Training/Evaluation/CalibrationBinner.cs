namespace FerActors.Training.Evaluation;

/// <summary>Sorts confidences into bins of equal width and sums what the calibration error needs.</summary>
internal sealed class CalibrationBinner(int bins)
{
    private readonly int[] _counts = new int[bins];
    private readonly int[] _right = new int[bins];
    private readonly double[] _confidence = new double[bins];
    private int _total;

    /// <summary>Expected calibration error: over the bins, share of the images times |accuracy - mean confidence|.</summary>
    public double Error
    {
        get
        {
            var sum = 0.0;
            for (var i = 0; i < bins; i++)
            {
                sum += Math.Abs(_right[i] - _confidence[i]);
            }

            return _total == 0 ? 0 : sum / _total;
        }
    }

    public void Add(double confidence, bool right)
    {
        // A bin holds its upper bound, not its lower one.
        var bin = Math.Clamp((int)Math.Ceiling(confidence * bins) - 1, 0, bins - 1);
        _counts[bin]++;
        _right[bin] += right ? 1 : 0;
        _confidence[bin] += confidence;
        _total++;
    }

    public ReliabilityBin[] Build()
    {
        var result = new ReliabilityBin[bins];
        for (var i = 0; i < bins; i++)
        {
            var count = _counts[i];
            result[i] = new ReliabilityBin(
                (double)i / bins,
                (double)(i + 1) / bins,
                count,
                count == 0 ? null : _confidence[i] / count,
                count == 0 ? null : (double)_right[i] / count);
        }

        return result;
    }
}
