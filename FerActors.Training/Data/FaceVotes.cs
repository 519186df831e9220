using FerActors.Shared.Labels;

namespace FerActors.Training.Data;

/// <summary>What several people called one face: how many of them named each class. FER+ has ten voters for each image of FER2013.</summary>
/// <remarks>
/// FER+ also lets voters say "contempt", "unknown" and "not a face", which no class of FER2013 stands for. These votes are dropped, and the
/// rest are shares of the seven classes. Where the dropped votes are more than half, the seven classes are not what people saw, and the face
/// has no usable votes.
/// </remarks>
public static class FaceVotes
{
    /// <summary>The most people that may have voted on one face. FER+ has ten; a larger number is a damaged row.</summary>
    public const int MaxVoters = 20;

    /// <summary>The share of each class among those that named one of the seven.</summary>
    /// <param name="counts">7 counts in FER2013's order, not all of them 0.</param>
    /// <param name="shares">Takes 7 shares, which sum to 1.</param>
    public static void Shares(ReadOnlySpan<byte> counts, Span<float> shares)
    {
        var all = Sum(counts);
        for (var i = 0; i < counts.Length; i++)
        {
            shares[i] = (float)counts[i] / all;
        }
    }

    /// <summary>How many people named one of the seven classes.</summary>
    /// <param name="counts">7 counts in FER2013's order.</param>
    public static int Sum(ReadOnlySpan<byte> counts)
    {
        var sum = 0;
        foreach (var count in counts)
        {
            sum += count;
        }

        return sum;
    }

    /// <summary>The class that most people named; <see langword="null"/> where two or more classes share the first place.</summary>
    /// <param name="counts">7 counts in FER2013's order, not all of them 0.</param>
    public static Expression? Majority(ReadOnlySpan<byte> counts)
    {
        var best = 0;
        var tie = false;
        for (var i = 1; i < counts.Length; i++)
        {
            tie = counts[i] == counts[best] || (tie && counts[i] < counts[best]);
            best = counts[i] > counts[best] ? i : best;
        }

        return tie ? null : (Expression)best;
    }

    /// <summary>Whether the class that most people named has more than half of the votes for the seven classes.</summary>
    /// <param name="counts">7 counts in FER2013's order.</param>
    public static bool MostAgree(ReadOnlySpan<byte> counts)
    {
        var most = 0;
        foreach (var count in counts)
        {
            most = Math.Max(most, count);
        }

        return 2 * most > Sum(counts);
    }
}
