using FerActors.Shared.Files;
using FerActors.Shared.Labels;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Training.Data;

/// <summary>
/// Reads a folder of images: <c>train/happy/*.png</c>, <c>validation/sad/*.jpg</c>, <c>test/fear/*.jpeg</c> and so on.
/// </summary>
/// <remarks>
/// <para>The folders <c>train</c> and <c>training</c> are <see cref="FerUsage.Training"/>; <c>val</c>, <c>valid</c>,
/// <c>validation</c> and <c>publictest</c> are <see cref="FerUsage.PublicTest"/>; <c>test</c> and <c>privatetest</c> are
/// <see cref="FerUsage.PrivateTest"/>. Below them stands one folder a class, called as <see cref="FerDataOptions.FolderLabels"/> says.</para>
/// <para>Images become grey and 48x48: the whole image, its sides scaled apart where it is not square; by area where it
/// shrinks. The order is by usage, then class, then file name (ordinal), so that it is the same on every machine. Hidden
/// files are skipped.</para>
/// </remarks>
public static class ImageFolderReader
{
    private const int ProgressFiles = 128;

    private static readonly Dictionary<string, FerUsage> Usages = new(StringComparer.OrdinalIgnoreCase)
    {
        ["train"] = FerUsage.Training,
        ["training"] = FerUsage.Training,
        ["val"] = FerUsage.PublicTest,
        ["valid"] = FerUsage.PublicTest,
        ["validation"] = FerUsage.PublicTest,
        ["publictest"] = FerUsage.PublicTest,
        ["test"] = FerUsage.PrivateTest,
        ["privatetest"] = FerUsage.PrivateTest,
    };

    /// <summary>Reads a folder on a thread of the pool.</summary>
    /// <inheritdoc cref="Read"/>
    public static Task<FerDataset> ReadAsync(
        string folder, FerDataOptions? options = null, IProgress<DataProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Read(folder, options, progress, cancellationToken), cancellationToken);

    /// <summary>Reads a folder.</summary>
    /// <exception cref="FerDataException">The layout is another, or files cannot be used; names each file and the reason.</exception>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="InvalidOperationException">OpenCV's native library cannot be loaded on this machine.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static FerDataset Read(
        string folder, FerDataOptions? options = null, IProgress<DataProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        options ??= FerDataOptions.Default;
        options.Validate();
        return Collect(folder, options, new ErrorCollector(folder, options.MaxErrors), progress, cancellationToken);
    }

    /// <summary>Reads a folder and leaves to the collector which faults end it.</summary>
    internal static FerDataset Collect(
        string folder, FerDataOptions options, ErrorCollector errors, IProgress<DataProgress>? progress, CancellationToken cancellationToken)
    {
        var files = List(folder, errors, options, cancellationToken);
        if (files.Count == 0 && errors.Total == 0)
        {
            errors.Add("holds no images; wanted are folders such as train/happy and test/happy");
        }

        var builder = new FerDatasetBuilder();
        Span<byte> pixels = stackalloc byte[FerDataset.PixelsPerImage];
        for (var i = 0; i < files.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var file = files[i];
            if (TryLoad(file.Path, options, pixels, out var width, out var height, out var kind) is { } error)
            {
                errors.Add($"{file.Name}: {error}", kind);
            }
            else if (errors.Keeps)
            {
                builder.Add(pixels, file.Label, file.Usage);
                errors.NotePlace(file.Name);
                if ((width, height) != (FerDataset.Side, FerDataset.Side))
                {
                    errors.NoteScaled(width, height);
                }
            }

            if ((i + 1) % ProgressFiles == 0 || i + 1 == files.Count)
            {
                progress?.Report(new DataProgress(i + 1, files.Count, i + 1));
            }
        }

        errors.ThrowIfAny();
        return builder.Build();
    }

    private static List<ImageFile> List(string folder, ErrorCollector errors, FerDataOptions options, CancellationToken cancellationToken)
    {
        var files = new List<ImageFile>();
        foreach (var usageFolder in Directory.EnumerateDirectories(folder).Where(Visible))
        {
            if (!Usages.TryGetValue(Path.GetFileName(usageFolder), out var usage))
            {
                errors.Add($"{Shown(folder, usageFolder)}: the folder is none of {string.Join(", ", Usages.Keys)}", DataFaultKind.Split);
                continue;
            }

            foreach (var labelFolder in Directory.EnumerateDirectories(usageFolder).Where(Visible))
            {
                if (FolderLabels.Read(options.FolderLabels, Path.GetFileName(labelFolder), out var label) is { } fault)
                {
                    errors.Add($"{Shown(folder, labelFolder)}: {fault}", DataFaultKind.Label);
                    continue;
                }

                foreach (var path in Directory.EnumerateFiles(labelFolder).Where(Visible))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (files.Count == options.MaxImages)
                    {
                        errors.Add($"holds more than the {options.MaxImages} images that are allowed");
                        throw errors.ToException();
                    }

                    files.Add(new ImageFile(usage, label, path, Shown(folder, path)));
                }
            }
        }

        files.Sort();
        return files;
    }

    private static string? TryLoad(
        string path, FerDataOptions options, Span<byte> pixels, out long width, out long height, out DataFaultKind kind)
    {
        byte[] bytes;
        width = height = 0;
        kind = DataFaultKind.Unreadable;
        try
        {
            // The bound is on what is read, since a file may grow after its length was asked for.
            using var file = RegularFile.OpenRead(path, bufferSize: 1);
            if (file.Length > options.MaxImageFileBytes)
            {
                kind = DataFaultKind.Size;
                return $"has {file.Length} bytes; {options.MaxImageFileBytes} are allowed";
            }

            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (NotRegularFileException problem)
        {
            return $"is {problem.Kind}, not a file";
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read ({problem.GetType().Name})";
        }

        if (ImageHeaderProbe.TryRead(bytes) is not { Format: ImageFormat.Png or ImageFormat.Jpeg } header)
        {
            return "is not a PNG or JPEG";
        }

        (width, height) = (header.Width, header.Height);

        if (width > options.MaxImagePixels / height)
        {
            kind = DataFaultKind.Size;
            return $"has {width}x{height} pixels; {options.MaxImagePixels} are allowed";
        }

        // A decoder fills what is missing with grey, which would be learnt.
        return PictureIntegrity.FindDamage(bytes) ?? Decode(bytes, pixels);
    }

    private static string? Decode(byte[] bytes, Span<byte> pixels)
    {
        try
        {
            using var image = Cv2.ImDecode(PictureIntegrity.Complete(bytes), ImreadModes.Grayscale);
            if (image.Empty())
            {
                return "cannot be decoded";
            }

            using var crop = new Mat();
            var shrinks = image.Width >= FerDataset.Side && image.Height >= FerDataset.Side;
            Cv2.Resize(
                image, crop, new Size(FerDataset.Side, FerDataset.Side), 0, 0, shrinks ? InterpolationFlags.Area : InterpolationFlags.Linear);
            for (var y = 0; y < FerDataset.Side; y++)
            {
                for (var x = 0; x < FerDataset.Side; x++)
                {
                    pixels[(y * FerDataset.Side) + x] = crop.At<byte>(y, x);
                }
            }

            return null;
        }
        catch (Exception problem) when (problem is DllNotFoundException or TypeInitializationException)
        {
            throw new InvalidOperationException(
                "OpenCV's native library cannot be loaded, so image folders cannot be read; a CSV can.", problem);
        }
        catch (OpenCVException)
        {
            return "cannot be decoded";
        }
    }

    private static bool Visible(string path) =>
        !Path.GetFileName(path).StartsWith('.')
        && !Path.GetFileName(path).Equals("Thumbs.db", StringComparison.OrdinalIgnoreCase)
        && !Path.GetFileName(path).Equals("desktop.ini", StringComparison.OrdinalIgnoreCase);

    private static string Shown(string folder, string path) => Path.GetRelativePath(folder, path).Replace('\\', '/');

    private sealed record ImageFile(FerUsage Usage, Expression Label, string Path, string Name) : IComparable<ImageFile>
    {
        public int CompareTo(ImageFile? other)
        {
            if (other is null)
            {
                return 1;
            }

            var order = Usage.CompareTo(other.Usage);
            order = order != 0 ? order : Label.CompareTo(other.Label);
            return order != 0 ? order : string.CompareOrdinal(Name, other.Name);
        }
    }
}
