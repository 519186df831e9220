using System.Globalization;
using FerActors.Shared.Labels;
using FerActors.Training.Data;
using FerActors.Training.Evaluation;

namespace FerActors.Training.Runs;

/// <summary>The images that a model learns from, and those that judge it.</summary>
/// <param name="Train">Training images, without those that also stand in an evaluation split unless they are to be kept.</param>
/// <param name="Validation">PublicTest; not empty.</param>
/// <param name="Notes">What was left out, a sentence for the model card.</param>
public sealed record TrainingSplit(FerDataset Train, FerDataset Validation, string Notes)
{
    /// <summary>Reads and cleans the data.</summary>
    /// <param name="path">CSV (plain, .gz, .zip) or image folder.</param>
    /// <param name="votesPath">The votes of FER+ for the images of a CSV, row for row; <see langword="null"/> for none.</param>
    /// <param name="keepDuplicates">Keeps training images that also stand, exactly or nearly, in an evaluation split.</param>
    /// <param name="holdOut">What part of the training images judges the model, where the data have no validation images.</param>
    /// <param name="folderLabels">What the folders of an image folder's classes are called, one of <see cref="FolderLabels.Names"/>.</param>
    /// <param name="say">Told what happens.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="FerDataException">The data has errors; they are listed with their rows.</exception>
    /// <exception cref="InvalidDataException">
    /// There are no PublicTest images and none are held out, or there are and some should be; or there are too few to judge a calibration.
    /// </exception>
    public static async Task<TrainingSplit> ReadAsync(
        string path,
        string? votesPath,
        bool keepDuplicates,
        HoldOut holdOut,
        string folderLabels = FolderLabels.Words,
        Action<string>? say = null,
        CancellationToken cancellation = default)
    {
        say?.Invoke($"Reading {path}");
        var all = await FerDataSource.OpenAsync(path, votesPath, FerDataOptions.Default with { FolderLabels = folderLabels }, cancellation);
        if (all.HasVotes)
        {
            say?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{all.CountVoted():N0} of {all.Count:N0} images have usable votes"));
        }

        var split = await Task.Run(() => Of(holdOut.Apply(all), keepDuplicates, cancellation), cancellation);
        if (holdOut.Share > 0)
        {
            split = split with
            {
                Notes = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{split.Notes} The {split.Validation.Count:N0} validation images were held out of the training images (hold_out {holdOut.Share}, seed {holdOut.Seed})."),
            };
        }

        say?.Invoke(split.Notes);
        say?.Invoke($"{split.Train.Count:N0} training images, {split.Validation.Count:N0} validation images");
        return split;
    }

    private static TrainingSplit Of(FerDataset all, bool keepDuplicates, CancellationToken cancellation)
    {
        var notes = "Duplicates across the splits were not looked for.";
        if (!keepDuplicates)
        {
            var report = DuplicateFinder.Find(all, cancellationToken: cancellation);
            notes = string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Leaks.Count:N0} training images that equal an evaluation image ({report.ExactLeaks.Count:N0} exactly, the rest nearly) were left out of training.");
            all = DuplicateFinder.RemoveFromTraining(all, report);
        }

        var validation = all.Where(FerUsage.PublicTest);
        var train = all.Where(FerUsage.Training);
        if (train.VotesSha256() is { } votes)
        {
            notes = string.Create(
                CultureInfo.InvariantCulture,
                $"{notes} FER+'s votes stand beside {train.CountVoted():N0} of the training images (SHA-256 of their votes: `{votes}`).");
        }

        if (validation.Count == 0)
        {
            throw new InvalidDataException(
                "The data has no PublicTest (validation) images; the model could not be judged. To hold a tenth of the training images out for that, set hold_out to 0.1.");
        }

        return CrossFittedTemperature.FillsFolds(validation.Labels())
            ? new TrainingSplit(train, validation, notes)
            : throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"No two of the {validation.Count} validation images show the same expression; the model's calibration could not be judged. {ExpressionNames.Count + 1} images are always enough. Give more, or leave them away and set hold_out to 0.1."));
    }
}
