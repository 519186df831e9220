using FerActors.Training.Data;

namespace FerActors.Training.DataChecks;

/// <summary>What a data set holds and what is wrong with it: the content of the data card.</summary>
public sealed record DataCheckReport
{
    /// <summary>Version of the JSON's form.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>Name of the file or folder, without its path.</summary>
    public required string Source { get; init; }

    /// <summary>SHA-256 of pixels and labels of the usable images (see <see cref="FerDataset.Sha256"/>); null where there is none.</summary>
    public required string? Sha256 { get; init; }

    /// <summary>The splits that hold images.</summary>
    public required IReadOnlyList<SplitSummary> Splits { get; init; }

    /// <summary>Rows or files that cannot be used, by kind.</summary>
    public required IReadOnlyList<DataFaultSummary> Faults { get; init; }

    /// <summary>Image files of another size than 48x48, which reading scales to it.</summary>
    public required int ScaledImages { get; init; }

    /// <summary>Their sizes, the most frequent first; at most ten.</summary>
    public required IReadOnlyList<ImageSizeCount> ScaledSizes { get; init; }

    public required BlankSummary Blank { get; init; }

    public required DuplicateSummary Duplicates { get; init; }

    /// <summary>Why the data cannot be trained on, each a sentence; empty where it can.</summary>
    public required IReadOnlyList<string> Blockers { get; init; }

    /// <summary>Usable images in all splits.</summary>
    public int Images => Splits.Sum(split => split.Images);

    /// <summary>Whether a training run would take the data.</summary>
    public bool Trainable => Blockers.Count == 0;
}

/// <param name="Split">Which.</param>
/// <param name="Images">How many.</param>
/// <param name="Histogram">Images of each class, in FER2013 order.</param>
/// <param name="Sha256">SHA-256 of its pixels and labels.</param>
public sealed record SplitSummary(FerUsage Split, int Images, IReadOnlyList<int> Histogram, string Sha256);

/// <summary>Images without a picture in them.</summary>
/// <param name="Constant">All pixels are equal.</param>
/// <param name="NearlyConstant">The standard deviation is below two gray levels, the constant ones not counted.</param>
/// <param name="First">Where the first of both stand: a row or a file.</param>
public sealed record BlankSummary(int Constant, int NearlyConstant, IReadOnlyList<string> First);

/// <summary>Images that stand in the data more than once. Near pairs count one image of each group of exact copies.</summary>
/// <param name="ExactGroups">Groups of two or more images with equal pixels.</param>
/// <param name="ExactRepeats">Images that repeat an earlier one.</param>
/// <param name="ExactGroupsAcrossSplits">Groups whose images stand in more than one split.</param>
/// <param name="ConflictingGroups">Groups whose images carry more than one label.</param>
/// <param name="NearPairsWithinSplits">Pairs of nearly equal images whose copies all stand in one split.</param>
/// <param name="NearPairsAcrossSplits">The other pairs.</param>
/// <param name="TrainingLeaks">Training images that equal an evaluation image, exactly or nearly: a run leaves them out.</param>
/// <param name="Splits">By split.</param>
public sealed record DuplicateSummary(
    int ExactGroups,
    int ExactRepeats,
    int ExactGroupsAcrossSplits,
    int ConflictingGroups,
    int NearPairsWithinSplits,
    int NearPairsAcrossSplits,
    int TrainingLeaks,
    IReadOnlyList<SplitDuplicates> Splits);

/// <param name="Split">Which.</param>
/// <param name="RepeatsWithin">Images that repeat an earlier image of the same split exactly.</param>
/// <param name="AlsoInTraining">Images whose exact pixels also stand in Training; 0 for Training itself.</param>
/// <param name="NearlyInTraining">Images that stand in Training exactly or nearly; 0 for Training itself.</param>
public sealed record SplitDuplicates(FerUsage Split, int RepeatsWithin, int AlsoInTraining, int NearlyInTraining);
