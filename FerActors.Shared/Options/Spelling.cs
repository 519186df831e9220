namespace FerActors.Shared.Options;

/// <summary>Finds the known name that a misspelt one was most likely meant to be.</summary>
public static class Spelling
{
    /// <summary>The known name with the fewest edits, letters compared without case; <see langword="null"/> where none is near.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="known">What could have been meant; of two that are equally near the first is taken.</param>
    /// <returns>A name that differs in two letters at most, or in a quarter of its letters where it is longer.</returns>
    public static string? Nearest(string name, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(known);
        var lower = name.ToLowerInvariant();
        var near = known.Select(k => (Known: k, Distance: Distance(lower, k.ToLowerInvariant()))).DefaultIfEmpty((Known: "", Distance: int.MaxValue)).MinBy(n => n.Distance);

        // Of a name of two letters, two edits leave nothing.
        return near.Distance <= Math.Min(Math.Max(2, name.Length / 4), name.Length - 1) ? near.Known : null;
    }

    // Optimal string alignment: Levenshtein's distance in which two letters that changed places are one edit. A stranger's name may be
    // long; the bound keeps it cheap.
    private static int Distance(string left, string right)
    {
        if (left.Length > 2 * right.Length || right.Length > 2 * left.Length)
        {
            return int.MaxValue;
        }

        var earlier = new int[right.Length + 1];
        var above = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var row = new int[right.Length + 1];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                row[j] = Math.Min(replaced, Math.Min(above[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    row[j] = Math.Min(row[j], earlier[j - 2] + 1);
                }
            }

            (earlier, above) = (above, row);
        }

        return above[^1];
    }
}
