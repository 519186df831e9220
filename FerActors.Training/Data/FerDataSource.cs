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

        return File.Exists(path)
            ? FerCsvReader.ReadAsync(path, options, progress, cancellationToken)
            : Task.FromException<FerDataset>(new FileNotFoundException($"There is no data set at '{path}'.", path));
    }
}
