using System.Text;
using FerActors.Shared.Files;
using FerActors.Shared.Labels;

namespace FerActors.Training.Data;

/// <summary>
/// Reads the votes of FER+ (Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution",
/// 2016) in their official form, <c>fer2013new.csv</c>: the columns <c>Usage</c>, <c>Image name</c>, the seven classes, <c>contempt</c>,
/// <c>unknown</c> and <c>NF</c>, row for row beside <c>fer2013.csv</c>. Plain, gzip or zip.
/// </summary>
/// <remarks>
/// Nothing but the order says which image a row is about, so that a file that does not fit row for row is refused as a whole. Row numbers in
/// errors are line numbers of the votes' file: the header is row 1. Blank lines are skipped.
/// </remarks>
public static class FerVotesReader
{
    private const int MaxRowBytes = 4096;
    private const int UsageColumn = 0;
    private const int NameColumn = 1;
    private const int FirstVote = 2;

    private static readonly string[] Columns =
        ["Usage", "Image name", "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"];

    // Of the columns from "neutral" on.
    private static readonly Expression[] Classes =
    [
        Expression.Neutral, Expression.Happy, Expression.Surprise, Expression.Sad, Expression.Angry, Expression.Disgust, Expression.Fear,
    ];

    /// <summary>Reads a file on a thread of the pool, and lays its votes beside the images.</summary>
    /// <param name="path">The votes.</param>
    /// <param name="data">The images as they were read, none left out.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The same images, with votes where they are usable.</returns>
    /// <exception cref="FerDataException">The file is damaged, or does not fit the images row for row; lists rows and reasons.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<FerDataset> AttachAsync(
        string path, FerDataset data, FerDataOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (!File.Exists(path))
        {
            return Task.FromException<FerDataset>(new FileNotFoundException($"There are no votes at '{path}'.", path));
        }

        return Task.Run(
            () =>
            {
                using var file = RegularFile.OpenRead(path, 1 << 17);
                return Attach(file, path, data, options, cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>Reads a stream that can seek, and leaves it open. Errors call it by the name given.</summary>
    /// <exception cref="FerDataException">The votes are damaged, or do not fit the images row for row; lists rows and reasons.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static FerDataset Attach(
        Stream file, string name, FerDataset data, FerDataOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(data);
        options ??= FerDataOptions.Default;
        options.Validate();
        if (file.Length == file.Position)
        {
            throw new FerDataException(name, "is empty");
        }

        var errors = new ErrorCollector(name, options.MaxErrors);
        using var container = CsvContainer.Open(file, name, options);
        var lines = new BoundedLineReader(container.Content, MaxRowBytes, options.MaxUncompressedBytes);
        try
        {
            return ReadRows(lines, data, errors, cancellationToken);
        }
        catch (Exception problem) when (problem is InvalidDataException or EndOfStreamException)
        {
            errors.Add($"after row {lines.LineNumber}: {(problem is EndOfStreamException ? "ends too early" : problem.Message)}");
            throw errors.ToException(problem);
        }
    }

    private static FerDataset ReadRows(BoundedLineReader lines, FerDataset data, ErrorCollector errors, CancellationToken cancellationToken)
    {
        var places = ReadHeader(lines, errors);
        var votes = new byte[data.Count * ExpressionNames.Count];
        var rows = 0;
        while (lines.TryRead(out var line, out var tooLong))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!tooLong && line.Trim(" \t"u8).IsEmpty)
            {
                continue;
            }

            if (rows == data.Count)
            {
                errors.Add($"row {lines.LineNumber}: is one more than the data's {data.Count} images");
                throw errors.ToException();
            }

            var error = tooLong
                ? $"is longer than {MaxRowBytes} bytes"
                : ParseRow(line, places, data.Usage(rows), votes.AsSpan(rows * ExpressionNames.Count, ExpressionNames.Count));
            if (error is not null)
            {
                errors.Add($"row {lines.LineNumber}: {error}");
            }

            rows++;
        }

        if (rows < data.Count)
        {
            errors.Add($"after row {lines.LineNumber}: ends too early; it has {rows} rows where the data have {data.Count} images");
        }

        errors.ThrowIfAny();
        return data.WithVotes(votes);
    }

    // For each of the official columns, where it stands.
    private static int[] ReadHeader(BoundedLineReader lines, ErrorCollector errors)
    {
        string? error = null;
        var places = new int[Columns.Length];
        if (!lines.TryRead(out var header, out var tooLong))
        {
            errors.Add("is empty");
            throw errors.ToException();
        }

        if (header.StartsWith("\uFEFF"u8))
        {
            header = header[3..];
        }

        Span<Range> fields = stackalloc Range[FerCsvColumns.MaxColumns];
        var count = tooLong ? 0 : FerCsvRow.Split(header, fields, out error);
        var found = new List<string>(count);
        for (var i = 0; i < count; i++)
        {
            found.Add(Encoding.UTF8.GetString(header[fields[i]]));
        }

        for (var i = 0; i < Columns.Length && error is null; i++)
        {
            places[i] = found.FindIndex(name => name.Equals(Columns[i], StringComparison.OrdinalIgnoreCase));
            error = places[i] < 0 ? $"the column '{Columns[i]}' is missing" : null;
        }

        if (error is null && count != Columns.Length)
        {
            error = $"has {count} columns where the votes of FER+ have {Columns.Length}";
        }

        if (error is null)
        {
            return places;
        }

        errors.Add($"row 1: {(tooLong ? $"is longer than {MaxRowBytes} bytes" : error)}");
        throw errors.ToException();
    }

    private static string? ParseRow(ReadOnlySpan<byte> line, int[] places, FerUsage wanted, Span<byte> votes)
    {
        Span<Range> fields = stackalloc Range[FerCsvColumns.MaxColumns];
        var count = FerCsvRow.Split(line, fields, out var error);
        if (error is not null)
        {
            return error;
        }

        if (count != places.Length)
        {
            return $"has {count} fields where the header has {places.Length}";
        }

        if (FerCsvRow.TryUsage(line[fields[places[UsageColumn]]], out var usage) is { } usageError)
        {
            return usageError;
        }

        if (usage != wanted)
        {
            return $"is of {usage}, but the image in the same place of the data is of {wanted}; the rows are not aligned";
        }

        Span<int> counts = stackalloc int[Columns.Length - FirstVote];
        var (all, usable) = (0, 0);
        for (var i = 0; i < counts.Length; i++)
        {
            var field = line[fields[places[FirstVote + i]]];
            if (!TryCount(field, out counts[i]))
            {
                return $"the votes for '{Columns[FirstVote + i]}' are '{ErrorCollector.Excerpt(Encoding.UTF8.GetString(field))}', not a number from 0 to {FaceVotes.MaxVoters}";
            }

            all += counts[i];
            usable += i < Classes.Length ? counts[i] : 0;
        }

        if (all > FaceVotes.MaxVoters)
        {
            return $"has {all} votes; at most {FaceVotes.MaxVoters} people vote on a face";
        }

        // An image without a name is one that FER+ took out.
        if (!line[fields[places[NameColumn]]].IsEmpty && usable > 0 && 2 * usable >= all)
        {
            for (var i = 0; i < Classes.Length; i++)
            {
                votes[(int)Classes[i]] = (byte)counts[i];
            }
        }

        return null;
    }

    private static bool TryCount(ReadOnlySpan<byte> field, out int count)
    {
        count = 0;
        if (field.Length is 0 or > 2)
        {
            return false;
        }

        foreach (var digit in field)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            count = (count * 10) + digit - '0';
        }

        return count <= FaceVotes.MaxVoters;
    }
}
