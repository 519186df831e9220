using FerActors.Shared.Options;

namespace FerActors.Inference.Faces;

/// <summary>Decides once which detector and which file to use, and then makes one detector for each worker. Thread-safe.</summary>
public sealed class FaceDetectorFactory
{
    /// <summary>Known files, the better one first.</summary>
    private static readonly string[] ModelNames = ["yunet_n_640_640.onnx", "face_detection_yunet_2023mar.onnx"];

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
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        var models = Candidates(options.ModelPath, [Path.Combine(AppContext.BaseDirectory, "models"), .. options.ModelFolders], ModelNames);
        var cascades = Candidates(options.CascadePath, CascadeFolders, CascadeNames);
        (Kind, ModelPath) = Choose(options.Detector, models, cascades);
    }

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
            + "Set Detection:ModelPath to a YuNet ONNX file, or install the cascades: apt-get install opencv-data.");
    }
}
