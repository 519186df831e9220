using System.Numerics;
using System.Security.Cryptography;

namespace FerActors.Training.Data;

/// <summary>Finds images that stand in a data set more than once, exactly or nearly, so that no figure rests on leaks.</summary>
public static class DuplicateFinder
{
    /// <summary>Searches the whole set, across splits and labels.</summary>
    /// <remarks>
    /// Exact: equal SHA-256 of the pixels. Near: perceptual hashes within a distance, confirmed on the pixels. Candidates
    /// come from multi-index hashing (Norouzi et al., 2012): two hashes within distance d agree in at least one of d + 1
    /// bands. Mirror images are not searched for.
    /// </remarks>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static DuplicateReport Find(FerDataset dataset, DuplicateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        options ??= new DuplicateOptions();
        options.Validate();
        var groupOf = new int[dataset.Count];
        var groups = FindExact(dataset, groupOf, cancellationToken);
        var first = Enumerable.Range(0, dataset.Count).Where(i => groupOf[i] == i).ToArray();
        var near = FindNear(dataset, first, options, cancellationToken);
        return new DuplicateReport(dataset, groups, near, groupOf);
    }

    /// <summary>Drops the training images that the report names as leaks. Evaluation images all stay.</summary>
    /// <param name="dataset">The set that the report was made of.</param>
    /// <param name="report">What was found.</param>
    /// <param name="exactOnly">Keep training images that only nearly equal an evaluation image.</param>
    public static FerDataset RemoveFromTraining(FerDataset dataset, DuplicateReport report, bool exactOnly = false)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(report);
        var leaks = (exactOnly ? report.ExactLeaks : report.Leaks).ToHashSet();
        return dataset.Where(i => !leaks.Contains(i));
    }

    private static List<IReadOnlyList<int>> FindExact(FerDataset dataset, int[] groupOf, CancellationToken cancellationToken)
    {
        var members = new Dictionary<UInt128, List<int>>(dataset.Count);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        for (var i = 0; i < dataset.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            SHA256.HashData(dataset.Pixels(i), digest);
            var key = System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(digest);
            if (!members.TryGetValue(key, out var group))
            {
                members[key] = group = new List<int>(1);
            }

            group.Add(i);
            groupOf[i] = group[0];
        }

        return [.. members.Values.Where(group => group.Count > 1).OrderBy(group => group[0]).Select(group => group.AsReadOnly())];
    }

    private static List<NearDuplicate> FindNear(
        FerDataset dataset, int[] images, DuplicateOptions options, CancellationToken cancellationToken)
    {
        var hashes = new ulong[images.Length];
        for (var i = 0; i < images.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hashes[i] = PerceptualHash.Compute(dataset.Pixels(images[i]));
        }

        var bands = options.MaxHashDistance + 1;
        var pairs = new List<NearDuplicate>();
        for (var band = 0; band < bands; band++)
        {
            var buckets = new Dictionary<ulong, List<int>>(images.Length);
            for (var i = 0; i < images.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var key = hashes[i] & BandMask(band, bands);
                if (!buckets.TryGetValue(key, out var bucket))
                {
                    buckets[key] = bucket = new List<int>(1);
                }

                foreach (var other in bucket)
                {
                    var difference = hashes[i] ^ hashes[other];
                    var distance = BitOperations.PopCount(difference);
                    if (distance > options.MaxHashDistance || FirstAgreement(difference, bands) != band)
                    {
                        continue;
                    }

                    var mean = MeanDifference(dataset.Pixels(images[i]), dataset.Pixels(images[other]));
                    if (mean <= options.MaxMeanDifference)
                    {
                        pairs.Add(new NearDuplicate(images[other], images[i], distance, mean));
                    }
                }

                bucket.Add(i);
            }
        }

        return [.. pairs.OrderBy(pair => pair.First).ThenBy(pair => pair.Second)];
    }

    // A pair meets in every band in which it agrees; it counts only in the first of them.
    private static int FirstAgreement(ulong difference, int bands)
    {
        var band = 0;
        while ((difference & BandMask(band, bands)) != 0)
        {
            band++;
        }

        return band;
    }

    private static ulong BandMask(int band, int bands)
    {
        var from = 64 * band / bands;
        var length = (64 * (band + 1) / bands) - from;
        return (length == 64 ? ulong.MaxValue : (1UL << length) - 1) << from;
    }

    private static double MeanDifference(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var sum = 0;
        for (var i = 0; i < first.Length; i++)
        {
            sum += Math.Abs(first[i] - second[i]);
        }

        return (double)sum / first.Length;
    }
}
