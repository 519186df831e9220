namespace FerActors.Inference.Engines;

/// <summary>The classes of batch sizes for each of which the faster engine is found: 1, 2-4, 5-8, 9-16, 17-32 and so on.</summary>
internal static class BatchClasses
{
    private const int FirstOfSeveral = 4;

    /// <summary>The largest size of each class, ascending; the last one is the largest batch.</summary>
    /// <param name="largest">Faces of the largest batch, at least 1.</param>
    public static IReadOnlyList<int> UpTo(int largest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(largest, 1);
        var bounds = new List<int> { 1 };
        for (var bound = FirstOfSeveral; bounds[^1] < largest; bound *= 2)
        {
            bounds.Add(Math.Min(bound, largest));
        }

        return bounds;
    }

    /// <summary>The number of the class of a batch; one beyond the largest belongs to the last class.</summary>
    /// <param name="upTo">As <see cref="UpTo"/> gives them.</param>
    /// <param name="size">Faces of the batch.</param>
    public static int Of(IReadOnlyList<int> upTo, int size)
    {
        var number = 0;
        while (number < upTo.Count - 1 && size > upTo[number])
        {
            number++;
        }

        return number;
    }
}
