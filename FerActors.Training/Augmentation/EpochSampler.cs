using FerActors.Shared.Labels;

namespace FerActors.Training.Augmentation;

/// <summary>The order of the samples in each epoch: a pure function of (seed, epoch).</summary>
public sealed class EpochSampler
{
    private readonly ulong _seed;
    private readonly double[]? _copies;

    /// <summary>Every sample once an epoch, shuffled.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="count">Number of samples, at least 1.</param>
    public EpochSampler(ulong seed, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _seed = seed;
        Count = count;
    }

    private EpochSampler(ulong seed, double[] copies)
        : this(seed, copies.Length) => _copies = copies;

    /// <summary>Number of places in an epoch, which is the number of samples.</summary>
    public int Count { get; }

    /// <summary>Rare classes come more often and frequent ones less often; an epoch stays as long.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="labels">The label of each sample.</param>
    /// <param name="power">
    /// From 0 (as the data are) to 1 (every class as often): a sample's weight is its class's count to the power of -power.
    /// 0.5 is a usual middle way. FER2013's rarest class has 1/16 of the most frequent, so 1 shows each of its images many
    /// times an epoch.
    /// </param>
    public static EpochSampler Balanced(ulong seed, IReadOnlyList<Expression> labels, double power)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfLessThan(labels.Count, 1, nameof(labels));
        if (power is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(power), power, "The power has to lie within 0 to 1.");
        }

        if (power == 0)
        {
            return new EpochSampler(seed, labels.Count);
        }

        var counts = new int[ExpressionNames.Count];
        foreach (var label in labels)
        {
            counts[(int)label]++;
        }

        var copies = new double[labels.Count];
        var sum = 0.0;
        for (var i = 0; i < copies.Length; i++)
        {
            copies[i] = Math.Pow(counts[(int)labels[i]], -power);
            sum += copies[i];
        }

        for (var i = 0; i < copies.Length; i++)
        {
            copies[i] *= copies.Length / sum;
        }

        return new EpochSampler(seed, copies);
    }

    /// <summary>The sample at each place of an epoch.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    public int[] Order(int epoch)
    {
        var random = SeededRandom.For(_seed, RandomPurpose.Order, epoch, 0);
        var order = new int[Count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        random.Shuffle(order.AsSpan());
        if (_copies is null)
        {
            return order;
        }

        order = Resample(order, _copies, random.NextDouble());
        random.Shuffle(order.AsSpan());
        return order;
    }

    /// <remarks>
    /// Systematic resampling (Carpenter et al., 1999) over the shuffled samples: each comes floor or ceiling of its expected
    /// copies, so that chance decides far less than with independent draws.
    /// </remarks>
    private static int[] Resample(int[] shuffled, double[] copies, double offset)
    {
        var result = new int[shuffled.Length];
        var filled = 0;
        var reached = 0.0;
        foreach (var sample in shuffled)
        {
            reached += copies[sample];
            while (filled < result.Length && filled + offset < reached)
            {
                result[filled++] = sample;
            }
        }

        // The copies sum to the length but for rounding, which may leave the last place open.
        result.AsSpan(filled).Fill(shuffled[^1]);
        return result;
    }
}
