using FerActors.Shared.Options;

namespace FerActors.Inference.Faces;

/// <summary>Decides once which detector and which file to use, and then makes one detector for each worker. Thread-safe.</summary>
public sealed class FaceDetectorFactory
{
    private static readonly string[] ModelNames = [.. DetectorModel.Known.Select(model => model.FileName)];

    // FER2013 was cut with the first of them; the second finds fewer false faces.
    private static readonly string[] CascadeNames = ["haarcascade_frontalface_default.xml", "haarcascade_frontalface_alt2.xml"];

    private static readonly string[] CascadeFolders =
    [
        "/usr/share/opencv4/haarcascades",
        "/usr/share/opencv/haarcascades",
        "/usr/local/share/opencv4/haarcascades",
        "/opt/homebrew/share/opencv4/haarcascades",
    ];

    private readonly DetectionOptions _options;

    /// <summary>Finds the detector's file.</summary>
    /// <exception cref="FaceDetectorException">There is none; the message says where it was looked for.</exception>
    public FaceDetectorFactory(DetectionOptions options)
        : this(options, DetectorModel.CacheFolder)
    {
    }

    /// <param name="options">Which detector, and where its file may be.</param>
    /// <param name="cache">The folder that is searched last; absent for none.</param>
    internal FaceDetectorFactory(DetectionOptions options, string? cache)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        List<string> folders = [Path.Combine(AppContext.BaseDirectory, "models"), .. options.ModelFolders];
        if (cache is not null)
        {
            folders.Add(cache);
        }

        var models = Candidates(options.ModelPath, folders, ModelNames);
        var cascades = Candidates(options.CascadePath, CascadeFolders, CascadeNames);
        (Kind, ModelPath) = Choose(options.Detector, models, cascades);
        if (options.Detector == DetectorKind.Auto && Kind == DetectorKind.Haar)
        {
            var places = string.IsNullOrWhiteSpace(options.ModelPath) ? folders.Select(folder => $"in {folder}") : [$"at {options.ModelPath}"];
            Shortcoming =
                $"The Haar cascade finds the faces, because YuNet's file is not {string.Join(", nor ", places)}. The cascade gives no landmarks "
                + $"and misses tilted and partly hidden faces. {Remedy}";
        }
    }

    /// <summary>How to get YuNet.</summary>
    public static string Remedy =>
        "'fer detector fetch' brings YuNet; in a closed network FER_DETECTOR_URL names an address or a file that it is taken from.";

    /// <summary>Where <see cref="DetectorKind.Auto"/> had to do without YuNet: why, what that costs, and the remedy; else absent.</summary>
    public string? Shortcoming { get; }

    /// <summary>The detector that <see cref="Create"/> makes: <see cref="DetectorKind.YuNet"/> or <see cref="DetectorKind.Haar"/>.</summary>
    public DetectorKind Kind { get; }

    /// <summary>The file it is made from.</summary>
    public string ModelPath { get; }

    /// <summary>Makes a detector for one worker, who disposes it.</summary>
    /// <exception cref="FaceDetectorException">The file is damaged or not the right one.</exception>
    /// <exception cref="Vision.Native.NativeLibraryException">OpenCV cannot be loaded on this machine.</exception>
    public IFaceDetector Create() => Kind == DetectorKind.YuNet ? new YuNetDetector(ModelPath, _options) : new HaarDetector(ModelPath, _options);

    // A path that was configured is the only candidate: to use another file in its place would hide the mistake.
    private static List<string> Candidates(string? configured, IReadOnlyList<string> folders, string[] names) =>
        string.IsNullOrWhiteSpace(configured)
            ? [.. folders.SelectMany(folder => names.Select(name => Path.Combine(folder, name)))]
            : [configured];

    private static (DetectorKind Kind, string Path) Choose(DetectorKind wanted, List<string> models, List<string> cascades)
    {
        if (wanted is DetectorKind.Auto or DetectorKind.YuNet && models.Find(File.Exists) is { } model)
        {
            return (DetectorKind.YuNet, model);
        }

        if (wanted is DetectorKind.Auto or DetectorKind.Haar && cascades.Find(File.Exists) is { } cascade)
        {
            return (DetectorKind.Haar, cascade);
        }

        var searched = wanted switch
        {
            DetectorKind.YuNet => models,
            DetectorKind.Haar => cascades,
            _ => [.. models, .. cascades],
        };
        throw new FaceDetectorException(
            $"No face detector was found ({wanted}). Looked for: {string.Join(", ", searched)}. "
            + $"{Remedy} Detection:ModelPath names a YuNet ONNX file; the cascades come with: apt-get install opencv-data.");
    }
}
