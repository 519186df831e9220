using System.Numerics;
using System.Runtime.CompilerServices;

namespace FerActors.Training.Augmentation;

/// <summary>
/// Random numbers that are a pure function of (seed, stream, counter): every image of every epoch starts its own
/// generator, so a resumed run sees the data that an unbroken one would have seen, on any number of threads.
/// </summary>
/// <remarks>
/// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its state filled by
/// SplitMix64 from a hash of the three numbers. Not for secrets. A mutable struct: pass it by reference.
/// <c>default</c> is not a valid generator.
/// </remarks>
public struct SeededRandom
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    public SeededRandom(ulong seed, ulong stream, ulong counter)
    {
        // Hashed in turn, so that neighbouring seeds, streams and counters share nothing.
        var state = Mix(seed + GoldenGamma);
        state = Mix(state + (stream * 0xD1342543DE82EF95) + GoldenGamma);
        state = Mix(state + (counter * 0xAF251AF3B0F025B5) + GoldenGamma);
        _s0 = Mix(state += GoldenGamma);
        _s1 = Mix(state += GoldenGamma);
        _s2 = Mix(state += GoldenGamma);
        _s3 = Mix(state + GoldenGamma);
    }

    /// <summary>The generator for one use of randomness at one place of a run.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">Keeps apart the uses that share seed, epoch and position.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="position">
    /// The place within the epoch: of the sample in the epoch's order, or of the batch. Not the sample's index in the data
    /// set, where a sample may come twice in an epoch: its copies would be augmented alike.
    /// </param>
    public static SeededRandom For(ulong seed, RandomPurpose purpose, int epoch, int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        return new SeededRandom(seed, ((ulong)purpose << 32) | (uint)epoch, (ulong)position);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64()
    {
        var result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1), with 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, 1), with 24 random bits.</summary>
    public float NextSingle() => (NextUInt64() >> 40) * (1.0f / (1U << 24));

    /// <summary>Uniform between two bounds.</summary>
    public float NextSingle(float low, float high) => low + ((high - low) * NextSingle());

    /// <summary>True with this probability; one number is drawn whatever the probability is.</summary>
    public bool NextBoolean(double probability) => NextDouble() < probability;

    /// <summary>Uniform in 0 to <paramref name="bound"/> - 1, without bias.</summary>
    /// <remarks>Lemire, "Fast random integer generation in an interval", 2019.</remarks>
    public int NextInt32(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        var range = (uint)bound;
        var product = (NextUInt64() >> 32) * range;
        if ((uint)product < range)
        {
            var threshold = (uint)-(int)range % range;
            while ((uint)product < threshold)
            {
                product = (NextUInt64() >> 32) * range;
            }
        }

        return (int)(product >> 32);
    }

    /// <summary>Standard normal: mean 0, deviation 1.</summary>
    /// <remarks>Box and Muller, 1958. The second number of the pair is not kept, so that the state is the state.</remarks>
    public double NextNormal()
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return radius * Math.Cos(2 * Math.PI * NextDouble());
    }

    /// <summary>Beta(alpha, alpha): symmetric about 0.5; alpha 1 is uniform, smaller ones favour the ends.</summary>
    /// <remarks>
    /// Two Gamma variates G: G1 / (G1 + G2), taken as logarithms, since for a small alpha both may underflow to zero.
    /// </remarks>
    public double NextBeta(double alpha)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(alpha);
        var first = NextLogGamma(alpha);
        var second = NextLogGamma(alpha);
        return 1 / (1 + Math.Exp(second - first));
    }

    /// <summary>Shuffles in place; every order is as likely.</summary>
    /// <remarks>Fisher and Yates, in Durstenfeld's form.</remarks>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = NextInt32(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    // Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; below 1 with their boost.
    private double NextLogGamma(double shape)
    {
        if (shape < 1)
        {
            var boost = Math.Log(1 - NextDouble()) / shape;
            return NextLogGamma(shape + 1) + boost;
        }

        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = NextNormal();
            var root = 1 + (c * x);
            if (root <= 0)
            {
                continue;
            }

            var logV = 3 * Math.Log(root);
            if (Math.Log(1 - NextDouble()) < (0.5 * x * x) + (d * (1 - Math.Exp(logV) + logV)))
            {
                return Math.Log(d) + logV;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
