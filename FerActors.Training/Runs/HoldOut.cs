using System.Globalization;
using FerActors.Shared.Labels;
using FerActors.Training.Augmentation;
using FerActors.Training.Data;

namespace FerActors.Training.Runs;

/// <summary>Training images that judge the model instead, where the data have no validation images of their own.</summary>
/// <param name="Share">Of each class: 0 for none, below 0.5.</param>
/// <param name="Seed">Which images; the same seed holds out the same images of the same data.</param>
public sealed record HoldOut(double Share, int Seed)
{
    public const double LargestShare = 0.5;

    /// <summary>Nothing is held out.</summary>
    public static HoldOut None { get; } = new(0, 0);

    /// <exception cref="ArgumentException">The share is not from 0 to below <see cref="LargestShare"/>, or the seed is negative.</exception>
    public static HoldOut Of(double share, int seed) =>
        share is >= 0 and < LargestShare && seed >= 0
            ? new HoldOut(share, seed)
            : throw new ArgumentException($"The share held out must be from 0 to below {LargestShare}, and its seed 0 or more.", nameof(share));

    /// <summary>Makes validation images of a share of the training images, class by class.</summary>
    /// <param name="all">Data whose only splits are Training and PrivateTest.</param>
    /// <returns>The same images; at least one of each class that has two.</returns>
    /// <exception cref="InvalidDataException">The data have validation images of their own.</exception>
    public FerDataset Apply(FerDataset all)
    {
        ArgumentNullException.ThrowIfNull(all);
        if (Share <= 0)
        {
            return all;
        }

        var own = all.CountOf(FerUsage.PublicTest);
        if (own > 0)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"The data have {own:N0} PublicTest (validation) images of their own; leave hold_out away."));
        }

        var held = new List<int>();
        foreach (var label in ExpressionNames.All)
        {
            int[] rows = [.. Enumerable.Range(0, all.Count).Where(i => all.Usage(i) == FerUsage.Training && all.Label(i) == label)];
            var random = SeededRandom.For((ulong)(uint)Seed, RandomPurpose.HoldOut, 0, (int)label);
            for (var i = rows.Length - 1; i > 0; i--)
            {
                var other = (int)(random.NextUInt64() % (ulong)(i + 1));
                (rows[i], rows[other]) = (rows[other], rows[i]);
            }

            held.AddRange(rows.Take(rows.Length < 2 ? 0 : Math.Max(1, (int)Math.Round(rows.Length * Share))));
        }

        return all.WithUsage([.. held], FerUsage.PublicTest);
    }
}
