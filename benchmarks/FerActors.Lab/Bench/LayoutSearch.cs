namespace FerActors.Lab.Bench;

/// <summary>How the raw pipeline uses the cores.</summary>
/// <param name="Workers">Workers that decode, detect and align, at least 1.</param>
/// <param name="Threads">Threads of the model, at least 1.</param>
internal readonly record struct RawLayout(int Workers, int Threads);

/// <param name="Best">The fastest layout; the first of all where none was measured.</param>
/// <param name="Tried">Every layout that was measured, in that order, with its images a second.</param>
internal sealed record LayoutSearchResult(RawLayout Best, IReadOnlyList<(RawLayout Layout, Figure PerSecond)> Tried);

/// <summary>
/// Finds the layout in which the raw pipeline is fastest: every pair on a few cores; on many cores the powers of two, and from the best
/// of them on step by step.
/// </summary>
internal static class LayoutSearch
{
    private const int FewCores = 4;

    /// <param name="cores">Most workers and most threads, at least 1.</param>
    /// <param name="measure">Images a second in a layout.</param>
    public static LayoutSearchResult Find(int cores, Func<RawLayout, Figure> measure)
    {
        var tried = new List<(RawLayout Layout, Figure PerSecond)>();
        var ladder = Enumerable.Range(1, cores).Where(n => cores <= FewCores || n == cores || int.IsPow2(n)).ToList();
        Try(ladder.SelectMany(workers => ladder.Select(threads => new RawLayout(workers, threads))));
        RawLayout best;
        do
        {
            best = Best();
        }
        while (Try(Neighbours(best, cores)) && Best() != best);

        return new LayoutSearchResult(best, tried);

        bool Try(IEnumerable<RawLayout> layouts)
        {
            var fresh = layouts.Where(layout => tried.TrueForAll(t => t.Layout != layout)).ToList();
            tried.AddRange(fresh.Select(layout => (layout, measure(layout))));
            return fresh.Count > 0;
        }

        RawLayout Best() => tried.MaxBy(t => t.PerSecond is Figure.Measured(var rate) ? rate : 0).Layout;
    }

    private static IEnumerable<RawLayout> Neighbours(RawLayout at, int cores) =>
        new RawLayout[]
        {
            new(at.Workers - 1, at.Threads),
            new(at.Workers + 1, at.Threads),
            new(at.Workers, at.Threads - 1),
            new(at.Workers, at.Threads + 1),
        }.Where(layout => layout.Workers >= 1 && layout.Threads >= 1 && layout.Workers <= cores && layout.Threads <= cores);
}
