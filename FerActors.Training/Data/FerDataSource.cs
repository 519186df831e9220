namespace FerActors.Training.Data;

/// <summary>Opens a data set of any form that this room can read.</summary>
public static class FerDataSource
{
    /// <summary>
    /// Reads a data set: a folder of images (see <see cref="ImageFolderReader"/>) or a CSV, plain or packed (see
    /// <see cref="FerCsvReader"/>). The work is done on a thread of the pool.
    /// </summary>
    /// <exception cref="FileNotFoundException">Neither a file nor a folder stands there.</exception>
    /// <exception cref="FerDataException">The data cannot be used; lists rows or files and reasons.</exception>
    /// <exception cref="IOException">The data cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<FerDataset> OpenAsync(
        string path, FerDataOptions? options = null, IProgress<DataProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (Directory.Exists(path))
        {
            return ImageFolderReader.ReadAsync(path, options, progress, cancellationToken);
        }

        if (options is { FolderLabels: not FolderLabels.Words } && File.Exists(path))
        {
            return Task.FromException<FerDataset>(new FerDataException(path, $"folder_labels {options.FolderLabels} is for an image folder, and the data is a file"));
        }

        return File.Exists(path)
            ? FerCsvReader.ReadAsync(path, options, progress, cancellationToken)
            : Task.FromException<FerDataset>(new FileNotFoundException($"There is no data set at '{path}'.", path));
    }

    /// <summary>Reads a data set and the votes beside it.</summary>
    /// <param name="path">A CSV, plain or packed; with votes no image folder, whose images have no rows.</param>
    /// <param name="votesPath">The votes (see <see cref="FerVotesReader"/>); <see langword="null"/> for none.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FileNotFoundException">Data or votes do not stand there.</exception>
    /// <exception cref="FerDataException">Data or votes cannot be used, or they do not fit row for row; lists rows or files and reasons.</exception>
    /// <exception cref="IOException">Data or votes cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<FerDataset> OpenAsync(
        string path, string? votesPath, FerDataOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (votesPath is not null && Directory.Exists(path))
        {
            throw new FerDataException(votesPath, "votes stand row for row beside a CSV, and the data is an image folder");
        }

        var data = await OpenAsync(path, options, progress: null, cancellationToken);
        return votesPath is null ? data : await FerVotesReader.AttachAsync(votesPath, data, options, cancellationToken);
    }
}
