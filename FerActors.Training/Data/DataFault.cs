namespace FerActors.Training.Data;

/// <summary>What is wrong with a row or a file.</summary>
public enum DataFaultKind
{
    /// <summary>The row is not in the CSV's form, or the whole file is not: columns, quotes, lengths, a damaged archive.</summary>
    Form = 0,

    /// <summary>The image has another number of pixels than can be used.</summary>
    Size = 1,

    /// <summary>A pixel is not a number from 0 to 255.</summary>
    PixelValue = 2,

    /// <summary>The label is none of the seven.</summary>
    Label = 3,

    /// <summary>The split is none of the three.</summary>
    Split = 4,

    /// <summary>An image file that cannot be read or decoded.</summary>
    Unreadable = 5,
}

/// <summary>One kind of fault in a data set.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Count">How many rows or files have it. A row is counted once, for the first fault found in it.</param>
/// <param name="First">The first of them, each with its place: <c>row 17: ...</c>; bounded in number.</param>
public sealed record DataFaultSummary(DataFaultKind Kind, long Count, IReadOnlyList<string> First);

/// <summary>Images of one size.</summary>
public sealed record ImageSizeCount(long Width, long Height, int Images);
