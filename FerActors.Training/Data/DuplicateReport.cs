namespace FerActors.Training.Data;

/// <summary>Two images that are nearly the same. Either may stand for a group of exact duplicates.</summary>
/// <param name="First">The lower index.</param>
/// <param name="Second">The higher index.</param>
/// <param name="HashDistance">Bits in which the perceptual hashes differ.</param>
/// <param name="MeanDifference">Mean absolute difference in grey levels.</param>
public sealed record NearDuplicate(int First, int Second, int HashDistance, double MeanDifference);

/// <summary>The duplicates within a data set. Indices are those of the set that was searched.</summary>
public sealed class DuplicateReport
{
    internal DuplicateReport(
        FerDataset dataset, IReadOnlyList<IReadOnlyList<int>> exactGroups, IReadOnlyList<NearDuplicate> nearPairs, int[] groupOf)
    {
        ExactGroups = exactGroups;
        NearPairs = nearPairs;
        ExactDuplicates = exactGroups.Sum(group => group.Count - 1);
        ConflictingGroups = exactGroups.Count(group => group.Any(index => dataset.Label(index) != dataset.Label(group[0])));
        ExactLeaks = FindLeaks(dataset, groupOf, []);
        Leaks = FindLeaks(dataset, groupOf, nearPairs);
    }

    /// <summary>Groups of two or more images with the same pixels; indices ascend.</summary>
    public IReadOnlyList<IReadOnlyList<int>> ExactGroups { get; }

    /// <summary>Pairs of nearly equal images. Of a group of exact duplicates only the first image stands here.</summary>
    public IReadOnlyList<NearDuplicate> NearPairs { get; }

    /// <summary>Images that repeat the pixels of an image with a lower index.</summary>
    public int ExactDuplicates { get; }

    /// <summary>Groups of exact duplicates that carry more than one label.</summary>
    public int ConflictingGroups { get; }

    /// <summary>Training images whose exact pixels also stand in PublicTest or PrivateTest; ascending.</summary>
    public IReadOnlyList<int> ExactLeaks { get; }

    /// <summary>Training images that equal an evaluation image exactly or nearly; ascending.</summary>
    public IReadOnlyList<int> Leaks { get; }

    private static int[] FindLeaks(FerDataset dataset, int[] groupOf, IReadOnlyList<NearDuplicate> nearPairs)
    {
        var evaluated = new bool[dataset.Count];
        for (var i = 0; i < dataset.Count; i++)
        {
            evaluated[groupOf[i]] |= dataset.Usage(i) != FerUsage.Training;
        }

        // Only direct neighbours of an evaluation image leak: a chain of look-alikes may end at quite another face.
        var leaks = (bool[])evaluated.Clone();
        foreach (var pair in nearPairs)
        {
            leaks[pair.First] |= evaluated[pair.Second];
            leaks[pair.Second] |= evaluated[pair.First];
        }

        return [.. Enumerable.Range(0, dataset.Count).Where(i => dataset.Usage(i) == FerUsage.Training && leaks[groupOf[i]])];
    }
}
