using FerActors.Shared.Labels;

namespace FerActors.Shared.Drift;

/// <summary>How a signal was distributed over the reference: a histogram whose bins hold about equally many of its values.</summary>
/// <param name="Edges">Ascending bounds between the bins. A value equal to a bound belongs to the bin above it.</param>
/// <param name="Shares">Share of the reference's values in each bin, one more than there are bounds; they sum to 1.</param>
public sealed record SignalReference(IReadOnlyList<double> Edges, IReadOnlyList<double> Shares)
{
    /// <summary>Bins of a numeric signal.</summary>
    public const int Bins = 10;

    /// <summary>Most bins that a reference may have.</summary>
    public const int MaxBins = 64;

    /// <summary>Makes the reference of a numeric signal: bounds at its deciles. Where many values are equal there are fewer bins.</summary>
    /// <exception cref="ArgumentException">There is no value, or one that is not finite.</exception>
    public static SignalReference OfValues(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count == 0 || !values.All(double.IsFinite))
        {
            throw new ArgumentException("A reference is made of finite values, at least one.", nameof(values));
        }

        var sorted = values.Order().ToArray();
        var edges = Enumerable.Range(1, Bins - 1)
            .Select(i => sorted[(int)((long)i * sorted.Length / Bins)])
            .Distinct()
            .Where(edge => edge > sorted[0])
            .ToArray();
        return Counted(edges, values);
    }

    /// <summary>Makes the reference of the predictions: a bin for each expression.</summary>
    /// <exception cref="ArgumentException">There is no label.</exception>
    public static SignalReference OfLabels(IReadOnlyList<Expression> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count == 0)
        {
            throw new ArgumentException("A reference is made of at least one label.", nameof(labels));
        }

        return Counted([.. Enumerable.Range(1, ExpressionNames.Count - 1).Select(i => i - 0.5)], [.. labels.Select(label => (double)(int)label)]);
    }

    /// <summary>The bin of a value. A value that is not a number belongs to the last.</summary>
    public int BinOf(double value)
    {
        var bin = 0;
        while (bin < Edges.Count && !(value < Edges[bin]))
        {
            bin++;
        }

        return bin;
    }

    /// <summary>What is wrong with it, as a sentence; null where nothing is.</summary>
    public string? Fault()
    {
        if (Edges is null || Shares is null || Shares.Count is < 1 or > MaxBins || Edges.Count != Shares.Count - 1)
        {
            return $"it needs 1 to {MaxBins} shares and one edge fewer";
        }

        if (!Edges.All(double.IsFinite) || Edges.Zip(Edges.Skip(1)).Any(pair => pair.First >= pair.Second))
        {
            return "its edges are not finite and ascending";
        }

        return Shares.All(share => share is >= 0 and <= 1) && Math.Abs(Shares.Sum() - 1) < 1e-6
            ? null
            : "its shares are not between 0 and 1 with the sum 1";
    }

    private static SignalReference Counted(double[] edges, IReadOnlyList<double> values)
    {
        var counts = new int[edges.Length + 1];
        var empty = new SignalReference(edges, []);
        foreach (var value in values)
        {
            counts[empty.BinOf(value)]++;
        }

        return new SignalReference(edges, [.. counts.Select(count => (double)count / values.Count)]);
    }
}
