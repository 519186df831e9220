namespace FerActors.Training.Augmentation;

/// <summary>Draws how batches are mixed: a pure function of (seed, epoch, batch).</summary>
public sealed class MixSampler
{
    private readonly ulong _seed;
    private readonly MixOptions _options;
    private readonly int _side;

    /// <param name="seed">The run's seed.</param>
    /// <param name="options">How often and how strongly.</param>
    /// <param name="side">Width and height of the network's input in pixels, for CutMix's box.</param>
    /// <exception cref="ArgumentException">An option or the side lies outside its range.</exception>
    public MixSampler(ulong seed, MixOptions options, int side)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        options.Validate();
        _seed = seed;
        _options = options;
        _side = side;
    }

    /// <summary>How one batch is mixed.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="batch">The batch within the epoch, from 0.</param>
    /// <param name="size">Images in the batch, at least 1.</param>
    public MixPlan Plan(int epoch, int batch, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        var random = SeededRandom.For(_seed, RandomPurpose.Mixing, epoch, batch);
        var partners = new int[size];
        for (var i = 0; i < size; i++)
        {
            partners[i] = i;
        }

        var kind = DrawKind(ref random);
        if (kind == MixKind.None)
        {
            return new MixPlan(kind, 1, partners.AsReadOnly(), default);
        }

        random.Shuffle(partners.AsSpan());
        if (kind == MixKind.Mixup)
        {
            return new MixPlan(kind, (float)random.NextBeta(_options.MixupAlpha), partners.AsReadOnly(), default);
        }

        var box = DrawBox(random.NextBeta(_options.CutMixAlpha), ref random);
        var kept = 1 - ((float)box.Width * box.Height / ((float)_side * _side));
        return new MixPlan(kind, kept, partners.AsReadOnly(), box);
    }

    private MixKind DrawKind(ref SeededRandom random)
    {
        var mixes = random.NextBoolean(_options.Probability);
        var cuts = random.NextBoolean(_options.CutMixShare);
        return (mixes, _options.MixupAlpha > 0, _options.CutMixAlpha > 0) switch
        {
            (false, _, _) or (_, false, false) => MixKind.None,
            (_, true, false) => MixKind.Mixup,
            (_, false, true) => MixKind.CutMix,
            _ => cuts ? MixKind.CutMix : MixKind.Mixup,
        };
    }

    // As in the paper: the box's centre is uniform, its sides are those of the image times sqrt(1 - lambda), and what
    // reaches over the border is cut off.
    private MixBox DrawBox(double lambda, ref SeededRandom random)
    {
        var cut = (int)(_side * Math.Sqrt(1 - lambda));
        var centreX = random.NextInt32(_side);
        var centreY = random.NextInt32(_side);
        var left = Math.Max(0, centreX - (cut / 2));
        var top = Math.Max(0, centreY - (cut / 2));
        var right = Math.Min(_side, centreX - (cut / 2) + cut);
        var bottom = Math.Min(_side, centreY - (cut / 2) + cut);
        return new MixBox(left, top, right - left, bottom - top);
    }
}
