using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>
/// The frontal-face cascade of OpenCV (Viola and Jones, 2001; Lienhart and Maydt, 2002): square boxes, no landmarks, no score. FER2013
/// was cut with it, so its boxes need no correction. Slower than YuNet and blind to tilted or half-turned heads. NOT thread-safe.
/// </summary>
public sealed class HaarDetector : IFaceDetector
{
    private const long MinCascadeBytes = 10_000;
    private const long MaxCascadeBytes = 16 * 1024 * 1024;
    private const double ScaleFactor = 1.1;
    private const int MinNeighbors = 5;

    private readonly CascadeClassifier _cascade;
    private readonly DetectionOptions _options;
    private readonly Mat _gray = new();

    /// <param name="cascadePath">OpenCV's XML file of a frontal-face cascade.</param>
    /// <param name="options">Caps; thresholds do not apply.</param>
    /// <exception cref="FaceDetectorException">The file is missing, damaged, or no cascade.</exception>
    /// <exception cref="NativeLibraryException">OpenCV cannot be loaded on this machine.</exception>
    public HaarDetector(string cascadePath, DetectionOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(cascadePath);
        ArgumentNullException.ThrowIfNull(options);
        DetectorFile.Check(cascadePath, "Haar cascade", MinCascadeBytes, MaxCascadeBytes);
        OpenCvRuntime.EnsureLoaded();
        _options = options;
        _cascade = new CascadeClassifier();
        Exception? cause = null;
        try
        {
            if (_cascade.Load(cascadePath))
            {
                return;
            }
        }
        catch (OpenCVException e)
        {
            cause = e;
        }

        Dispose();
        throw new FaceDetectorException($"The Haar cascade '{cascadePath}' cannot be used: it is damaged, or not a cascade.", cause);
    }

    public string Name => "haar";

    public FoundFaces Detect(Mat bgr)
    {
        FaceFilter.CheckPicture(bgr);
        var scale = Math.Min(1, _options.MaxSearchSide / (double)Math.Max(bgr.Width, bgr.Height));
        Cv2.CvtColor(bgr, _gray, ColorConversionCodes.BGR2GRAY);
        if (scale < 1)
        {
            var size = new Size(SearchCanvas.Fit(bgr.Width, scale), SearchCanvas.Fit(bgr.Height, scale));
            Cv2.Resize(_gray, _gray, size, interpolation: InterpolationFlags.Area);
        }

        var (scaleX, scaleY) = (_gray.Width / (double)bgr.Width, _gray.Height / (double)bgr.Height);
        var smallest = Math.Max(1, (int)Math.Floor(_options.MinFaceSide * scale));
        var boxes = _cascade.DetectMultiScale(_gray, ScaleFactor, MinNeighbors, HaarDetectionTypes.ScaleImage, new Size(smallest, smallest));
        var faces = boxes.Select(box => new DetectedFace(
            new FaceBox(box.X / scaleX, box.Y / scaleY, box.Width / scaleX, box.Height / scaleY), Landmarks: null, Score: null));
        return FaceFilter.Keep(faces, bgr.Width, bgr.Height, scale, _options);
    }

    public void Dispose()
    {
        _cascade.Dispose();
        _gray.Dispose();
    }
}
