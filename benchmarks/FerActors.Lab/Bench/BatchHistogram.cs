using System.Globalization;
using System.Text.RegularExpressions;

namespace FerActors.Lab.Bench;

/// <summary>Sizes of forward passes, as a node's <c>/metrics</c> counts them: passes by upper bound of their size.</summary>
/// <param name="Buckets">Passes above the bound before and up to this one; the last bound is infinite.</param>
/// <param name="Passes">All passes.</param>
/// <param name="Faces">All faces in them.</param>
internal sealed partial record BatchHistogram(IReadOnlyDictionary<double, long> Buckets, long Passes, long Faces)
{
    public static BatchHistogram Empty { get; } = new(new SortedDictionary<double, long>(), 0, 0);

    /// <summary>Mean faces of a pass; not a number where there was none.</summary>
    public double Mean => (double)Faces / Passes;

    /// <summary>Reads a page in Prometheus' text format; versions of models are added up.</summary>
    public static BatchHistogram Read(string metrics)
    {
        var cumulative = new SortedDictionary<double, long>();
        long passes = 0, faces = 0;
        foreach (Match line in Sample().Matches(metrics))
        {
            var value = (long)double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture);
            switch (line.Groups["part"].Value)
            {
                case "bucket":
                    var bound = Bound().Match(line.Groups["tags"].Value).Groups[1].Value;
                    var upTo = bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture);
                    cumulative[upTo] = cumulative.GetValueOrDefault(upTo) + value;
                    break;
                case "count":
                    passes += value;
                    break;
                default:
                    faces += value;
                    break;
            }
        }

        var buckets = new SortedDictionary<double, long>();
        var before = 0L;
        foreach (var (bound, count) in cumulative)
        {
            buckets[bound] = count - before;
            before = count;
        }

        return new BatchHistogram(buckets, passes, faces);
    }

    /// <summary>What came since an earlier reading.</summary>
    public BatchHistogram Since(BatchHistogram earlier) => new(
        new SortedDictionary<double, long>(Buckets.ToDictionary(b => b.Key, b => b.Value - earlier.Buckets.GetValueOrDefault(b.Key))),
        Passes - earlier.Passes,
        Faces - earlier.Faces);

    /// <summary>Of two nodes together.</summary>
    public BatchHistogram And(BatchHistogram other) => new(
        new SortedDictionary<double, long>(
            Buckets.Keys.Union(other.Buckets.Keys).ToDictionary(b => b, b => Buckets.GetValueOrDefault(b) + other.Buckets.GetValueOrDefault(b))),
        Passes + other.Passes,
        Faces + other.Faces);

    public override string ToString()
    {
        var parts = new List<string>();
        var below = 0.0;
        foreach (var (bound, count) in Buckets)
        {
            if (count > 0)
            {
                parts.Add($"{Range(below, bound)}: {count.ToString(CultureInfo.InvariantCulture)}");
            }

            below = bound;
        }

        return parts.Count == 0 ? "none" : string.Join(", ", parts);
    }

    private static string Range(double below, double bound) =>
        double.IsInfinity(bound) ? $">{below:0}" : below + 1 >= bound ? $"{bound:0}" : $"{below + 1:0}-{bound:0}";

    [GeneratedRegex("""^fer_batch_size(?:_faces?)?_(?<part>bucket|count|sum)(?:\{(?<tags>[^}]*)\})? (?<value>\S+)""", RegexOptions.Multiline)]
    private static partial Regex Sample();

    [GeneratedRegex("le=\"([^\"]+)\"")]
    private static partial Regex Bound();
}
