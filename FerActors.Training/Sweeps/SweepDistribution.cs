using System.Text.Json.Nodes;
using FerActors.Training.Augmentation;

namespace FerActors.Training.Sweeps;

/// <summary>The values that one option may take in a sweep.</summary>
public abstract record SweepDistribution
{
    /// <summary>Draws a value.</summary>
    internal abstract JsonNode? Draw(ref SeededRandom random);

    /// <summary>All values in order; <see langword="null"/> where they are not finitely many, or more than <paramref name="most"/>.</summary>
    internal abstract IReadOnlyList<JsonNode?>? Grid(int most);

    /// <summary>One of a list, each as likely as the others.</summary>
    /// <param name="Values">Any JSON values.</param>
    public sealed record Choice(IReadOnlyList<JsonNode?> Values) : SweepDistribution
    {
        internal override JsonNode? Draw(ref SeededRandom random) => Values[random.NextInt32(Values.Count)]?.DeepClone();

        internal override IReadOnlyList<JsonNode?>? Grid(int most) => Values.Count <= most ? Values : null;
    }

    /// <summary>A number between two bounds, both included; with a step, a multiple of it counted from the lower bound.</summary>
    /// <param name="Min">Lower bound.</param>
    /// <param name="Max">Upper bound, above the lower one.</param>
    /// <param name="Step">Distance of neighbours, or <see langword="null"/> for any number.</param>
    /// <param name="Logarithmic">Every factor is as likely as another of the same size, rather than every distance.</param>
    /// <param name="Integer">The values are whole.</param>
    public sealed record Range(double Min, double Max, double? Step, bool Logarithmic, bool Integer) : SweepDistribution
    {
        internal override JsonNode? Draw(ref SeededRandom random)
        {
            if (Integer && Step is null)
            {
                return JsonValue.Create((long)Min + random.NextInt32((int)(Max - Min) + 1));
            }

            if (Step is { } step && !Logarithmic)
            {
                return At(random.NextInt32(Steps(step) + 1), step);
            }

            var share = random.NextDouble();
            var value = Logarithmic ? Math.Exp(Math.Log(Min) + (share * Math.Log(Max / Min))) : Min + (share * (Max - Min));
            return Step is { } quantum ? At((int)Math.Min(Math.Round((value - Min) / quantum), Steps(quantum)), quantum) : JsonValue.Create(Math.Clamp(value, Min, Max));
        }

        internal override IReadOnlyList<JsonNode?>? Grid(int most)
        {
            var step = Step ?? (Integer ? 1 : null);
            return step is { } distance && Steps(distance) < most
                ? [.. Enumerable.Range(0, Steps(distance) + 1).Select(i => At(i, distance))]
                : null;
        }

        // Half a step's thousandth of slack: 0.3 - 0 is not three times 0.1 in binary.
        private int Steps(double step) => (int)Math.Floor(((Max - Min) / step) + 1e-9);

        private JsonValue At(int index, double step) => Integer
            ? JsonValue.Create((long)Math.Round(Min + (index * step)))

            // Fifteen digits hide the same slack from people and from the options' text.
            : JsonValue.Create(Math.Round(Min + (index * step), 12));
    }
}
