using FerActors.Shared.Files;
using FerActors.Shared.Labels;

namespace FerActors.Training.Data;

/// <summary>
/// Reads FER2013 in Kaggle's CSV form: a header and the columns <c>emotion</c>, <c>pixels</c> and <c>Usage</c> in any order.
/// The file may be plain, gzip, zip, or a gzipped tar; its first bytes decide, not its name.
/// </summary>
/// <remarks>Row numbers in errors are line numbers of the file: the header is row 1. Blank lines are skipped.</remarks>
public static class FerCsvReader
{
    /// <summary>Longest row in bytes. 2,304 three-digit numbers with spaces take 9,215.</summary>
    public const int MaxRowBytes = 32_768;

    private const int ProgressRows = 512;

    /// <summary>Reads a file on a thread of the pool.</summary>
    /// <inheritdoc cref="Read(string, FerDataOptions?, IProgress{DataProgress}?, CancellationToken)"/>
    public static Task<FerDataset> ReadAsync(
        string path, FerDataOptions? options = null, IProgress<DataProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Read(path, options, progress, cancellationToken), cancellationToken);

    /// <summary>Reads a file.</summary>
    /// <exception cref="FerDataException">The file is damaged or not in this form; lists rows and reasons.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static FerDataset Read(
        string path, FerDataOptions? options = null, IProgress<DataProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        using var file = RegularFile.OpenRead(path, 1 << 17);
        return Read(file, path, options, progress, cancellationToken);
    }

    /// <summary>Reads a stream that can seek, from its position on, and leaves it open. Errors call it by the name given.</summary>
    /// <exception cref="FerDataException">The text is damaged or not in this form; lists rows and reasons.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static FerDataset Read(
        Stream file, string name, FerDataOptions? options = null, IProgress<DataProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        options ??= FerDataOptions.Default;
        options.Validate();
        if (file.Length == file.Position)
        {
            throw new FerDataException(name, "is empty");
        }

        return Collect(file, name, options, new ErrorCollector(name, options.MaxErrors), progress, cancellationToken);
    }

    /// <summary>Reads a stream and leaves to the collector which faults end it.</summary>
    internal static FerDataset Collect(
        Stream file, string name, FerDataOptions options, ErrorCollector errors, IProgress<DataProgress>? progress, CancellationToken cancellationToken)
    {
        using var container = CsvContainer.Open(file, name, options);
        var lines = new BoundedLineReader(container.Content, MaxRowBytes, options.MaxUncompressedBytes);
        try
        {
            return ReadRows(lines, errors, options, rows => progress?.Report(new DataProgress(file.Position, file.Length, rows)), cancellationToken);
        }
        catch (InvalidDataException problem)
        {
            errors.Add($"after row {lines.LineNumber}: {problem.Message}");
            throw errors.ToException(problem);
        }
        catch (EndOfStreamException problem)
        {
            errors.Add($"after row {lines.LineNumber}: ends too early");
            throw errors.ToException(problem);
        }
    }

    private static FerDataset ReadRows(
        BoundedLineReader lines, ErrorCollector errors, FerDataOptions options, Action<int> report, CancellationToken cancellationToken)
    {
        var columns = ReadHeader(lines, errors);
        var builder = new FerDatasetBuilder();
        Span<Range> fields = stackalloc Range[FerCsvColumns.MaxColumns];
        Span<byte> pixels = stackalloc byte[FerDataset.PixelsPerImage];
        var rows = 0;
        while (lines.TryRead(out var line, out var tooLong))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!tooLong && line.Trim(" \t"u8).IsEmpty)
            {
                continue;
            }

            if (++rows > options.MaxImages)
            {
                errors.Add($"row {lines.LineNumber}: is beyond the {options.MaxImages} images that are allowed");
                throw errors.ToException();
            }

            var label = default(Expression);
            var usage = default(FerUsage);
            var kind = DataFaultKind.Form;
            var error = tooLong
                ? $"is longer than {MaxRowBytes} bytes"
                : ParseRow(line, columns, fields, pixels, out label, out usage, out kind);
            if (error is not null)
            {
                errors.Add($"row {lines.LineNumber}: {error}", kind);
            }
            else if (errors.Keeps)
            {
                // Where one fault spoils the set, the file is read on only to count faults.
                builder.Add(pixels, label, usage);
                errors.NotePlace($"row {lines.LineNumber}");
            }

            if (rows % ProgressRows == 0)
            {
                report(rows);
            }
        }

        if (rows == 0)
        {
            errors.Add("has a header but no rows");
        }

        errors.ThrowIfAny();
        report(rows);
        return builder.Build();
    }

    private static FerCsvColumns ReadHeader(BoundedLineReader lines, ErrorCollector errors)
    {
        if (!lines.TryRead(out var header, out var tooLong))
        {
            errors.Add("is empty");
            throw errors.ToException();
        }

        if (header.StartsWith("\uFEFF"u8))
        {
            header = header[3..];
        }

        string? error;
        if (tooLong)
        {
            error = $"is longer than {MaxRowBytes} bytes";
        }
        else if (header.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || header.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            error = "is UTF-16; save the file as UTF-8";
        }
        else if (FerCsvColumns.Parse(header, out error) is { } columns)
        {
            return columns;
        }

        errors.Add($"row 1: {error}");
        throw errors.ToException();
    }

    private static string? ParseRow(
        ReadOnlySpan<byte> line,
        FerCsvColumns columns,
        Span<Range> fields,
        Span<byte> pixels,
        out Expression label,
        out FerUsage usage,
        out DataFaultKind kind)
    {
        label = default;
        usage = default;
        kind = DataFaultKind.Form;
        var count = FerCsvRow.Split(line, fields, out var error);
        if (error is not null)
        {
            return error;
        }

        if (count != columns.Count)
        {
            return $"has {count} fields where the header has {columns.Count}";
        }

        kind = DataFaultKind.Label;
        if (FerCsvRow.TryLabel(line[fields[columns.Emotion]], out label) is { } labelError)
        {
            return labelError;
        }

        kind = DataFaultKind.Split;
        return FerCsvRow.TryUsage(line[fields[columns.Usage]], out usage)
            ?? FerCsvRow.TryPixels(line[fields[columns.Pixels]], pixels, out kind);
    }
}
