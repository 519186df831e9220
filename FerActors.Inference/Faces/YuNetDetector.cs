using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Inference.Faces;

/// <summary>
/// YuNet (Wu, Peng and Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023) through OpenCV's <c>FaceDetectorYN</c>: boxes, five
/// landmarks and a score. NOT thread-safe.
/// </summary>
public sealed class YuNetDetector : IFaceDetector
{
    private const int RowLength = 15;
    private const long MinModelBytes = 50_000;
    private const long MaxModelBytes = 16 * 1024 * 1024;
    private const int TopCandidates = 5000;

    /// <summary>YuNet was trained on faces of about 10 to 300 pixels; on larger ones its landmarks drift.</summary>
    private const double LargestTrainedFace = 300;

    /// <summary>
    /// A face of so many pixels on the first canvas must be seen in a close-up too: large textures that resemble a face (dogs, say) are
    /// found at one scale only, a face is found at all of them.
    /// </summary>
    private const double LargeFace = 192;

    /// <summary>Long side of the close-up, in which a face that fills the picture is in the middle of the trained range.</summary>
    private const int CloseUpSide = 192;

    private readonly string _modelPath;
    private readonly DetectionOptions _options;
    private readonly Dictionary<(int Width, int Height), Search> _searches = [];

    /// <summary>Loads the model once, and tries it on an empty canvas, so that a wrong file is found here rather than with a picture.</summary>
    /// <param name="modelPath">An ONNX file of YuNet: <c>yunet_n_640_640</c> (better) or <c>face_detection_yunet_2023mar</c>.</param>
    /// <param name="options">Thresholds and caps.</param>
    /// <exception cref="FaceDetectorException">The file is missing, damaged, or no YuNet.</exception>
    /// <exception cref="NativeLibraryException">OpenCV cannot be loaded on this machine.</exception>
    public YuNetDetector(string modelPath, DetectionOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        ArgumentNullException.ThrowIfNull(options);
        DetectorFile.Check(modelPath, "YuNet model", MinModelBytes, MaxModelBytes);
        OpenCvRuntime.EnsureLoaded();
        _modelPath = modelPath;
        _options = options;
        try
        {
            using var blank = new Mat(CloseUpSide, CloseUpSide, MatType.CV_8UC3, Scalar.All(0));
            Look(blank, CloseUpSide);
        }
        catch (OpenCVException e)
        {
            Dispose();
            throw new FaceDetectorException($"The YuNet model '{modelPath}' cannot be used: it is damaged, or not a YuNet of fixed input size.", e);
        }
    }

    public string Name => "yunet";

    public FoundFaces Detect(Mat bgr)
    {
        FaceFilter.CheckPicture(bgr);
        var (width, height) = (bgr.Width, bgr.Height);
        var (faces, scale) = Look(bgr, _options.MaxSearchSide);
        if (faces.Count == 0 || faces.Exists(face => face.Box.Height * scale > LargeFace))
        {
            faces = Merge(faces, scale, Look(bgr, CloseUpSide).Faces);
        }

        return FaceFilter.Keep(faces, width, height, scale, _options);
    }

    public void Dispose()
    {
        foreach (var search in _searches.Values)
        {
            search.Dispose();
        }

        _searches.Clear();
    }

    /// <summary>
    /// Keeps the small faces of the first look, the large ones that the close-up confirms (in its geometry where the first look's is
    /// beyond the trained range), and adds the faces that only the close-up saw.
    /// </summary>
    private List<DetectedFace> Merge(List<DetectedFace> faces, double scale, List<DetectedFace> closeUps)
    {
        var merged = new List<DetectedFace>();
        foreach (var face in faces)
        {
            var twin = closeUps.Find(closeUp => closeUp.Box.IntersectionOverUnion(face.Box) > _options.NmsThreshold);
            var side = face.Box.Height * scale;
            if (side <= LargeFace || (twin is not null && side <= LargestTrainedFace))
            {
                merged.Add(face);
            }
        }

        merged.AddRange(closeUps.Where(closeUp =>
            merged.TrueForAll(face => face.Box.IntersectionOverUnion(closeUp.Box) <= _options.NmsThreshold)));
        return merged;
    }

    private (List<DetectedFace> Faces, double Scale) Look(Mat bgr, int maxSide)
    {
        var canvas = SearchCanvas.For(bgr.Width, bgr.Height, maxSide);
        if (!_searches.TryGetValue((canvas.Width, canvas.Height), out var search))
        {
            search = new Search(_modelPath, canvas, _options);
            _searches.Add((canvas.Width, canvas.Height), search);
        }

        return (search.Run(bgr, canvas.Scale), canvas.Scale);
    }

    /// <summary>A native detector, bound to one input size, and its reused buffers.</summary>
    private sealed class Search : IDisposable
    {
        private readonly FaceDetectorYN _detector;
        private readonly Mat _canvas;
        private readonly Mat _rows = new();

        public Search(string modelPath, SearchCanvas canvas, DetectionOptions options)
        {
            var size = new Size(canvas.Width, canvas.Height);
            _detector = FaceDetectorYN.Create(
                modelPath, "", size, (float)options.ScoreThreshold, (float)options.NmsThreshold, TopCandidates);
            _canvas = new Mat(size, MatType.CV_8UC3, Scalar.All(0));
        }

        public List<DetectedFace> Run(Mat bgr, double scale)
        {
            var (width, height) = (SearchCanvas.Fit(bgr.Width, scale), SearchCanvas.Fit(bgr.Height, scale));
            _canvas.SetTo(Scalar.All(0));
            using (var corner = new Mat(_canvas, new Rect(0, 0, width, height)))
            {
                Cv2.Resize(bgr, corner, corner.Size(), interpolation: scale < 1 ? InterpolationFlags.Area : InterpolationFlags.Cubic);
            }

            _detector.Detect(_canvas, _rows);
            return ReadRows(width / (double)bgr.Width, height / (double)bgr.Height);
        }

        public void Dispose()
        {
            _detector.Dispose();
            _canvas.Dispose();
            _rows.Dispose();
        }

        private List<DetectedFace> ReadRows(double scaleX, double scaleY)
        {
            var faces = new List<DetectedFace>();
            if (_rows.Empty())
            {
                return faces;
            }

            var values = _rows.AsSpan<float>();
            for (var row = values; row.Length >= RowLength; row = row[RowLength..])
            {
                if (ReadRow(row[..RowLength], scaleX, scaleY) is { } face)
                {
                    faces.Add(face);
                }
            }

            return faces;
        }

        /// <summary>x, y, width, height, five points (the image's left eye first), score.</summary>
        private static DetectedFace? ReadRow(ReadOnlySpan<float> row, double scaleX, double scaleY)
        {
            foreach (var value in row)
            {
                if (!float.IsFinite(value))
                {
                    return null;
                }
            }

            var box = new FaceBox(row[0] / scaleX, row[1] / scaleY, row[2] / scaleX, row[3] / scaleY);
            var landmarks = new FaceLandmarks(
                new ImagePoint(row[4] / scaleX, row[5] / scaleY),
                new ImagePoint(row[6] / scaleX, row[7] / scaleY),
                new ImagePoint(row[8] / scaleX, row[9] / scaleY),
                new ImagePoint(row[10] / scaleX, row[11] / scaleY),
                new ImagePoint(row[12] / scaleX, row[13] / scaleY));
            return new DetectedFace(box, landmarks, Math.Clamp(row[14], 0f, 1f));
        }
    }
}
