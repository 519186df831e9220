namespace FerActors.Training.Data;

/// <summary>How a data set is read, and within which bounds. The defaults take FER2013 several times over.</summary>
public sealed record FerDataOptions
{
    public static FerDataOptions Default { get; } = new();

    /// <summary>Most images; 200,000 take 461 MB.</summary>
    public int MaxImages { get; init; } = 200_000;

    /// <summary>Most bytes of CSV after decompression. FER2013 has about 300 MB.</summary>
    public long MaxUncompressedBytes { get; init; } = 4L << 30;

    /// <summary>How many faults an exception lists; it counts all of them.</summary>
    public int MaxErrors { get; init; } = 20;

    /// <summary>Most bytes of one image file.</summary>
    public int MaxImageFileBytes { get; init; } = 16 << 20;

    /// <summary>Most pixels of one image file, read from its header before it is decoded.</summary>
    public int MaxImagePixels { get; init; } = 16_000_000;

    /// <summary>What the folders of an image folder's classes are called, one of <see cref="Data.FolderLabels.Names"/>.</summary>
    public string FolderLabels { get; init; } = Data.FolderLabels.Words;

    /// <exception cref="ArgumentException"><see cref="FolderLabels"/> is none of its names.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A bound is not positive, or more images are allowed than an array holds.</exception>
    public void Validate()
    {
        if (Data.FolderLabels.Mistake(FolderLabels) is { } mistake)
        {
            throw new ArgumentException(mistake, nameof(FolderLabels));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(MaxImages, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxImages, FerDataset.MaxCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxUncompressedBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxErrors, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxImageFileBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxImagePixels, 1);
    }
}
