using System.Numerics;
using FerActors.Shared.Files;
using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;

namespace FerActors.Training.DataChecks;

/// <summary>Looks through a data set before a run does: reads on past every fault, counts all of them and says whether it can be trained on.</summary>
public static class DataCheck
{
    private const double NearlyConstantDeviation = 2;
    private const int MaxSizes = 10;

    /// <summary>Checks a CSV, plain or packed, or an image folder, on a thread of the pool.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">Bounds; <see cref="FerDataOptions.MaxErrors"/> is the number of places listed of each kind.</param>
    /// <param name="progress">Told how far the reading is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FileNotFoundException">Neither a file nor a folder stands there.</exception>
    /// <exception cref="IOException">The data cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<DataCheckReport> RunAsync(
        string path, FerDataOptions? options = null, IProgress<DataProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= FerDataOptions.Default;
        options.Validate();
        if (!File.Exists(path) && !Directory.Exists(path))
        {
            return Task.FromException<DataCheckReport>(new FileNotFoundException($"There is no data set at '{path}'.", path));
        }

        return Task.Run(() => Run(path, options, progress, cancellationToken), cancellationToken);
    }

    private static DataCheckReport Run(string path, FerDataOptions options, IProgress<DataProgress>? progress, CancellationToken cancellationToken)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        var errors = new ErrorCollector(name, options.MaxErrors, lenient: true);
        var set = Read(path, name, options, errors, progress, cancellationToken);
        var found = DuplicateFinder.Find(set, cancellationToken: cancellationToken);
        return new DataCheckReport
        {
            Source = name,
            Sha256 = set.Count == 0 ? null : set.Sha256,
            Splits = [.. Enum.GetValues<FerUsage>().Select(usage => Summary(usage, set.Where(usage))).Where(split => split.Images > 0)],
            Faults = errors.Faults,
            ScaledImages = errors.ScaledImages,
            ScaledSizes = [.. errors.Scaled.Take(MaxSizes)],
            Blank = FindBlank(set, errors.Places, options.MaxErrors),
            Duplicates = Summarise(set, found),
            Blockers = Blockers(set, errors, found),
        };
    }

    private static FerDataset Read(
        string path, string name, FerDataOptions options, ErrorCollector errors, IProgress<DataProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            if (Directory.Exists(path))
            {
                return ImageFolderReader.Collect(path, options, errors, progress, cancellationToken);
            }

            using var file = RegularFile.OpenRead(path, 1 << 17);
            if (file.Length > 0)
            {
                return FerCsvReader.Collect(file, name, options, errors, progress, cancellationToken);
            }

            errors.Add("is empty");
        }
        catch (FerDataException problem)
        {
            // What ends even a lenient reading: no header, a damaged archive, a bound. Some of it was counted before it was thrown.
            if (errors.Total == 0)
            {
                errors.Add(problem.Errors[0]);
            }
        }

        return FerDataset.FromArrays([], [], []);
    }

    private static SplitSummary Summary(FerUsage usage, FerDataset images) => new(usage, images.Count, [.. images.Histogram], images.Sha256);

    private static BlankSummary FindBlank(FerDataset set, IReadOnlyList<string> places, int most)
    {
        int constant = 0, nearly = 0;
        var first = new List<string>();
        for (var i = 0; i < set.Count; i++)
        {
            var pixels = set.Pixels(i);
            if (Deviation(pixels) >= NearlyConstantDeviation)
            {
                continue;
            }

            if (pixels.IndexOfAnyExcept(pixels[0]) < 0)
            {
                constant++;
            }
            else
            {
                nearly++;
            }

            if (first.Count < most)
            {
                first.Add(places[i]);
            }
        }

        return new BlankSummary(constant, nearly, first);
    }

    private static double Deviation(ReadOnlySpan<byte> pixels)
    {
        long sum = 0, squares = 0;
        foreach (var pixel in pixels)
        {
            sum += pixel;
            squares += pixel * pixel;
        }

        var mean = (double)sum / pixels.Length;
        return Math.Sqrt(Math.Max(0, ((double)squares / pixels.Length) - (mean * mean)));
    }

    private static DuplicateSummary Summarise(FerDataset set, DuplicateReport found)
    {
        // Each image's first copy stands for all of its copies; which splits those stand in is a bit each.
        var copyOf = Enumerable.Range(0, set.Count).ToArray();
        foreach (var group in found.ExactGroups)
        {
            foreach (var image in group)
            {
                copyOf[image] = group[0];
            }
        }

        var splits = new uint[set.Count];
        for (var i = 0; i < set.Count; i++)
        {
            splits[copyOf[i]] |= 1u << (int)set.Usage(i);
        }

        var training = 1u << (int)FerUsage.Training;
        var trained = splits.Select(mask => (mask & training) != 0).ToArray();
        var nearlyTrained = (bool[])trained.Clone();
        foreach (var pair in found.NearPairs)
        {
            nearlyTrained[pair.First] |= trained[pair.Second];
            nearlyTrained[pair.Second] |= trained[pair.First];
        }

        var across = found.NearPairs.Count(pair => BitOperations.PopCount(splits[pair.First] | splits[pair.Second]) > 1);
        return new DuplicateSummary(
            found.ExactGroups.Count,
            found.ExactDuplicates,
            found.ExactGroups.Count(group => BitOperations.PopCount(splits[group[0]]) > 1),
            found.ConflictingGroups,
            found.NearPairs.Count - across,
            across,
            found.Leaks.Count,
            [.. Enum.GetValues<FerUsage>().Where(usage => set.CountOf(usage) > 0).Select(InSplit)]);

        SplitDuplicates InSplit(FerUsage usage)
        {
            var repeats = found.ExactGroups.Sum(group => Math.Max(0, group.Count(image => set.Usage(image) == usage) - 1));
            return usage == FerUsage.Training
                ? new SplitDuplicates(usage, repeats, 0, 0)
                : new SplitDuplicates(usage, repeats, Images(trained), Images(nearlyTrained));

            int Images(bool[] those) => Enumerable.Range(0, set.Count).Count(i => set.Usage(i) == usage && those[copyOf[i]]);
        }
    }

    // What makes a run refuse the data, or its result worthless.
    private static List<string> Blockers(FerDataset set, ErrorCollector errors, DuplicateReport found)
    {
        var blockers = new List<string>();
        if (errors.Total > 0)
        {
            blockers.Add($"{errors.Total} rows or files cannot be used; a run refuses the whole set.");
        }

        if (set.CountOf(FerUsage.PublicTest) == 0)
        {
            blockers.Add("There are no PublicTest (validation) images, so a model could not be judged. A run with hold_out 0.1 holds a tenth of the Training images out for that.");
        }

        else if (!CrossFittedTemperature.FillsFolds(set.Where(FerUsage.PublicTest).Labels()))
        {
            blockers.Add("No two PublicTest (validation) images show the same expression, so a model's calibration could not be judged.");
        }

        var training = set.CountOf(FerUsage.Training);
        if (training == 0)
        {
            blockers.Add("There are no Training images.");
        }
        else if (training == found.Leaks.Count)
        {
            blockers.Add("Every Training image also stands in an evaluation split; without them nothing is left to train on.");
        }
        else
        {
            var histogram = set.Where(FerUsage.Training).Histogram;
            var missing = ExpressionNames.All.Where(label => histogram[(int)label] == 0).ToList();
            if (missing.Count > 0)
            {
                blockers.Add($"Training has no image of {string.Join(", ", missing)}; a model could not learn it.");
            }
        }

        return blockers;
    }
}
