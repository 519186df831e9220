using FerActors.Inference.Faces;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Inference.Tests.Faces;

public class FaceDetectorSpecs
{
    private const string BetterModel = "yunet_n_640_640.onnx";
    private const string ZooModel = "face_detection_yunet_2023mar.onnx";

    [SkippableTheory]
    [InlineData(BetterModel)]
    [InlineData(ZooModel)]
    public void Yunet_finds_every_annotated_face_and_no_other(string model)
    {
        using var detector = YuNet(model);
        var annotated = SharedData.AnnotatedFaces();

        Assert.Equal(18, annotated.Sum(photo => photo.Value.Count));
        foreach (var (photo, boxes) in annotated)
        {
            var faces = Detect(detector, photo);
            Assert.All(boxes, box => Assert.Contains(faces, face => IsSameFace(face.Box, box)));
            Assert.True(faces.Count == boxes.Count, $"{photo}: {faces.Count} faces of {boxes.Count}");
            Assert.Equal(faces.OrderByDescending(face => face.Box.Area), faces);
            Assert.All(faces, face => Assert.InRange(face.Score!.Value, 0.6, 1));
        }
    }

    [SkippableTheory]
    [InlineData(BetterModel)]
    [InlineData(ZooModel)]
    public void Yunet_finds_no_face_where_there_is_none(string model)
    {
        using var detector = YuNet(model);

        Assert.Empty(Detect(detector, "no-faces.jpg"));
        Assert.Empty(Detect(detector, "dogs.jpg"));
    }

    [SkippableTheory]
    [InlineData(BetterModel)]
    [InlineData(ZooModel)]
    public void Yunet_finds_a_known_face_with_its_points_in_order(string model)
    {
        using var detector = YuNet(model);
        var face = Assert.Single(Detect(detector, "ivan.jpg"));
        var points = face.Landmarks!;

        Assert.True(face.Box.IntersectionOverUnion(new FaceBox(277, 90, 48, 63)) > 0.75);
        Assert.True(points.RightEye.X < points.LeftEye.X && points.RightMouth.X < points.LeftMouth.X);
        Assert.True(points.RightEye.Y < points.Nose.Y && points.Nose.Y < points.LeftMouth.Y);
        Assert.Equal("yunet", detector.Name);
    }

    [SkippableTheory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(2)]
    public void The_face_of_a_portrait_is_found_with_its_points_in_order_at_every_size(double scale)
    {
        using var detector = AnyYuNet();
        using var photo = ImageDecoder.Decode(SharedData.Portrait(), ImageLimits.Default);
        using var resized = new Mat();
        Cv2.Resize(photo.Bgr, resized, new Size(0, 0), scale, scale, scale < 1 ? InterpolationFlags.Area : InterpolationFlags.Cubic);

        var face = Assert.Single(detector.Detect(resized));
        var points = face.Landmarks!;
        Assert.True(face.Box.IntersectionOverUnion(new FaceBox(170 * scale, 60 * scale, 110 * scale, 150 * scale)) > 0.5, face.Box.ToString());
        Assert.True(points.RightEye.X < points.LeftEye.X && points.RightMouth.X < points.LeftMouth.X);
        Assert.True(points.RightEye.Y < points.Nose.Y && points.Nose.Y < points.LeftMouth.Y);
    }

    [SkippableTheory]
    [InlineData(0.25)]
    [InlineData(0.5)]
    [InlineData(1.9)]
    [InlineData(5)]
    public void The_same_faces_are_found_at_every_size_of_the_photo(double scale)
    {
        using var detector = YuNet(BetterModel);
        using var photo = ImageDecoder.Decode(SharedData.Photo("2008_001322.jpg"), ImageLimits.Default);
        using var resized = new Mat();
        Cv2.Resize(photo.Bgr, resized, new Size(0, 0), scale, scale, scale < 1 ? InterpolationFlags.Area : InterpolationFlags.Cubic);
        var expected = detector.Detect(photo.Bgr);
        var faces = detector.Detect(resized);

        Assert.Equal(expected.Count, faces.Count);
        foreach (var face in expected)
        {
            var box = new FaceBox(face.Box.X * scale, face.Box.Y * scale, face.Box.Width * scale, face.Box.Height * scale);
            var twin = faces.MaxBy(other => other.Box.IntersectionOverUnion(box))!;
            var drift = Distance(twin.Landmarks!.Nose, face.Landmarks!.Nose, scale) / box.Height;
            Assert.True(twin.Box.IntersectionOverUnion(box) > 0.65 && drift < 0.12, $"{twin.Box} {box} {drift:F3}");
        }
    }

    [SkippableFact]
    public void A_face_that_fills_the_picture_is_found()
    {
        using var detector = YuNet(BetterModel);
        using var photo = ImageDecoder.Decode(SharedData.Photo("2008_001322.jpg"), ImageLimits.Default);
        var face = detector.Detect(photo.Bgr)[0].Box;
        var close = new Rect((int)(face.X - 10), (int)(face.Y - 10), (int)face.Width + 20, (int)face.Height + 20);
        using var cut = new Mat(photo.Bgr, close.Intersect(new Rect(0, 0, photo.Width, photo.Height)));
        using var large = new Mat();
        Cv2.Resize(cut, large, new Size(0, 0), 8, 8, InterpolationFlags.Cubic);

        var found = Assert.Single(detector.Detect(large));
        Assert.InRange(found.Box.Height / 8 / face.Height, 0.8, 1.25);
    }

    [SkippableFact]
    public void Faces_are_capped_and_filtered_by_size()
    {
        using var photo = ImageDecoder.Decode(SharedData.Photo("2007_007763.jpg"), ImageLimits.Default);
        using var all = YuNet(BetterModel);
        using var two = new YuNetDetector(SharedData.Require("models", BetterModel), new DetectionOptions { MaxFaces = 2 });
        using var large = new YuNetDetector(SharedData.Require("models", BetterModel), new DetectionOptions { MinFaceSide = 45 });

        var faces = all.Detect(photo.Bgr);
        Assert.Equal(faces.Take(2).Select(face => face.Box), two.Detect(photo.Bgr).Select(face => face.Box));
        Assert.Equal(faces.Count(face => face.Box.Height >= 45), large.Detect(photo.Bgr).Count);
        Assert.InRange(large.Detect(photo.Bgr).Count, 1, 6);
    }

    [SkippableFact]
    public void A_detector_gives_the_same_answer_after_other_pictures()
    {
        using var detector = YuNet(BetterModel);
        var first = Detect(detector, "ivan.jpg");
        Detect(detector, "2007_007763.jpg");
        Detect(detector, "no-faces.jpg");

        Assert.Equal(first, Detect(detector, "ivan.jpg"));
    }

    [SkippableTheory]
    [InlineData(1, 1)]
    [InlineData(3, 2000)]
    [InlineData(8192, 1)]
    public void Odd_shapes_are_searched_without_a_fault(int width, int height)
    {
        using var detector = AnyYuNet();
        using var picture = new Mat(height, width, MatType.CV_8UC3, Scalar.All(128));

        Assert.Empty(detector.Detect(picture));
    }

    [SkippableFact]
    public void Haar_finds_square_boxes_of_frontal_faces()
    {
        using var detector = new FaceDetectorFactory(HaarOptions()).Create();
        var annotated = SharedData.AnnotatedFaces();
        var found = annotated.Sum(photo =>
        {
            var faces = Detect(detector, photo.Key);
            Assert.All(faces, face => Assert.Equal(face.Box.Width, face.Box.Height, 6));
            Assert.All(faces, face => Assert.True(face.Landmarks is null && face.Score is null));
            return photo.Value.Count(box => faces.Any(face => IsSameFace(face.Box, box)));
        });

        Assert.InRange(found, 12, 18);
        Assert.Empty(Detect(detector, "no-faces.jpg"));
        Assert.True(Assert.Single(Detect(detector, "ivan.jpg")).Box.IntersectionOverUnion(new FaceBox(277, 90, 48, 63)) > 0.6);
        Assert.Equal("haar", detector.Name);
    }

    [SkippableFact]
    public void Haar_searches_a_large_photo_in_a_reduced_copy()
    {
        using var detector = new FaceDetectorFactory(HaarOptions()).Create();
        using var photo = ImageDecoder.Decode(SharedData.Photo("ivan.jpg"), ImageLimits.Default);
        using var large = new Mat();
        Cv2.Resize(photo.Bgr, large, new Size(0, 0), 4, 4);

        Assert.Contains(detector.Detect(large), face => face.Box.IntersectionOverUnion(new FaceBox(271 * 4, 91 * 4, 63 * 4, 63 * 4)) > 0.6);
    }

    [SkippableFact]
    public void Detectors_refuse_what_is_no_bgr_picture()
    {
        using var yunet = AnyYuNet();
        using var gray = new Mat(50, 50, MatType.CV_8UC1, Scalar.All(0));
        using var empty = new Mat();

        Assert.Throws<ArgumentException>(() => yunet.Detect(gray));
        Assert.Throws<ArgumentException>(() => yunet.Detect(empty));
        Assert.Throws<ArgumentNullException>(() => yunet.Detect(null!));
    }

    [SkippableFact]
    public void Auto_takes_yunet_where_its_file_is()
    {
        var model = SharedData.AnyModel();
        var factory = new FaceDetectorFactory(new DetectionOptions { ModelFolders = ["/nowhere", Path.GetDirectoryName(model)!] });

        Assert.Equal((DetectorKind.YuNet, model), (factory.Kind, factory.ModelPath));
        Assert.Null(factory.Shortcoming);
        using var detector = factory.Create();
        Assert.IsType<YuNetDetector>(detector);
    }

    [SkippableFact]
    public void Auto_takes_haar_where_yunet_is_not()
    {
        var options = HaarOptions();
        options.Detector = DetectorKind.Auto;
        options.ModelPath = Path.Combine(Path.GetTempPath(), "no-such.onnx");

        Assert.Equal(DetectorKind.Haar, new FaceDetectorFactory(options).Kind);
    }

    [Fact]
    public void The_cache_is_searched_after_the_folders_of_the_options_for_the_better_file_first()
    {
        var root = Directory.CreateTempSubdirectory("fer-detectors-").FullName;
        try
        {
            var (folder, cache) = (Directory.CreateDirectory(Path.Combine(root, "folder")).FullName, Directory.CreateDirectory(Path.Combine(root, "cache")).FullName);
            var options = new DetectionOptions { ModelFolders = [folder], Detector = DetectorKind.YuNet };
            string Put(string where, string name)
            {
                var path = Path.Combine(where, name);
                File.WriteAllText(path, "");
                return path;
            }

            Assert.Throws<FaceDetectorException>(() => new FaceDetectorFactory(options, cache));
            Assert.Equal(Put(cache, ZooModel), new FaceDetectorFactory(options, cache).ModelPath);
            Assert.Equal(Put(cache, BetterModel), new FaceDetectorFactory(options, cache).ModelPath);
            Assert.Equal(Put(folder, ZooModel), new FaceDetectorFactory(options, cache).ModelPath);
            Assert.Throws<FaceDetectorException>(() => new FaceDetectorFactory(new DetectionOptions { Detector = DetectorKind.YuNet }, cache: null));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public void Doing_without_yunet_is_explained_once_with_the_remedy_unless_it_was_asked_for()
    {
        var cascade = Path.GetTempFileName();
        try
        {
            var shortcoming = new FaceDetectorFactory(new DetectionOptions { CascadePath = cascade, ModelFolders = ["/some/folder"] }, "/the/cache").Shortcoming;

            Assert.Contains("/some/folder", shortcoming, StringComparison.Ordinal);
            Assert.Contains("/the/cache", shortcoming, StringComparison.Ordinal);
            Assert.Contains("fer detector fetch", shortcoming, StringComparison.Ordinal);
            Assert.Contains("FER_DETECTOR_URL", shortcoming, StringComparison.Ordinal);
            Assert.Null(new FaceDetectorFactory(new DetectionOptions { Detector = DetectorKind.Haar, CascadePath = cascade }, "/the/cache").Shortcoming);
        }
        finally
        {
            File.Delete(cascade);
        }
    }

    [Theory]
    [InlineData("/cache", "/home/me", "/cache/feractors/detectors")]
    [InlineData(null, "/home/me", "/home/me/.cache/feractors/detectors")]
    [InlineData("relative", "/home/me", "/home/me/.cache/feractors/detectors")]
    [InlineData(null, "", null)]
    public void The_cache_is_where_the_users_caches_are(string? configured, string home, string? expected) =>
        Assert.Equal(expected, DetectorModel.FolderOf(name => name == "XDG_CACHE_HOME" ? configured : null, home));

    [Theory]
    [InlineData(DetectorKind.Auto, true, true)]
    [InlineData(DetectorKind.YuNet, true, false)]
    [InlineData(DetectorKind.Haar, false, true)]
    public void Where_no_detector_is_found_the_message_says_where_it_was_looked_for(DetectorKind kind, bool namesModel, bool namesCascade)
    {
        var failure = Assert.Throws<FaceDetectorException>(() => new FaceDetectorFactory(
            new DetectionOptions { Detector = kind, ModelPath = "/no/model.onnx", CascadePath = "/no/cascade.xml" }));

        Assert.Equal((namesModel, namesCascade), (Names("/no/model.onnx"), Names("/no/cascade.xml")));
        Assert.Contains("opencv-data", failure.Message, StringComparison.Ordinal);
        bool Names(string path) => failure.Message.Contains(path, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_small_or_damaged_model_is_told_apart()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "version https://git-lfs.github.com/spec/v1");
            Assert.Contains("LFS", Assert.Throws<FaceDetectorException>(() => new YuNetDetector(path, new DetectionOptions())).Message, StringComparison.Ordinal);

            var noise = new byte[200_000];
            new Random(1).NextBytes(noise);
            File.WriteAllBytes(path, noise);
            Assert.Contains("damaged", Assert.Throws<FaceDetectorException>(() => new YuNetDetector(path, new DetectionOptions())).Message, StringComparison.Ordinal);
            Assert.Contains("damaged", Assert.Throws<FaceDetectorException>(() => new HaarDetector(path, new DetectionOptions())).Message, StringComparison.Ordinal);
            File.WriteAllText(path, "<?xml version=\"1.0\"?><opencv_storage>" + new string(' ', 20_000) + "</opencv_storage>");
            Assert.Contains("damaged", Assert.Throws<FaceDetectorException>(() => new HaarDetector(path, new DetectionOptions())).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Contains("does not exist", Assert.Throws<FaceDetectorException>(() => new YuNetDetector(path, new DetectionOptions())).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void A_truncated_model_is_damaged()
    {
        var whole = File.ReadAllBytes(SharedData.AnyModel());
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
            Assert.Throws<FaceDetectorException>(() => new YuNetDetector(path, new DetectionOptions()));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Boxes_that_do_not_meet_share_nothing()
    {
        var box = new FaceBox(0, 0, 10, 10);

        Assert.Equal(0, box.IntersectionOverUnion(new FaceBox(10, 0, 10, 10)));
        Assert.Equal(1, box.IntersectionOverUnion(box));
        Assert.Equal(1.0 / 3, box.IntersectionOverUnion(new FaceBox(5, 0, 10, 10)), 9);
    }

    private static YuNetDetector YuNet(string model) => new(SharedData.Model(model), new DetectionOptions());

    private static YuNetDetector AnyYuNet() => new(SharedData.AnyModel(), new DetectionOptions());

    private static DetectionOptions HaarOptions()
    {
        var options = new DetectionOptions { Detector = DetectorKind.Haar };
        try
        {
            _ = new FaceDetectorFactory(options);
        }
        catch (FaceDetectorException e)
        {
            Skip.If(true, e.Message);
        }

        return options;
    }

    private static IReadOnlyList<DetectedFace> Detect(IFaceDetector detector, string photo)
    {
        using var image = ImageDecoder.Decode(SharedData.Photo(photo), ImageLimits.Default);
        return detector.Detect(image.Bgr);
    }

    /// <summary>The annotation is a tight square: the centres are within half of it in both directions, and the union is shared by 30 %.</summary>
    private static bool IsSameFace(FaceBox found, FaceBox annotated) =>
        Math.Abs(found.X + (found.Width / 2) - annotated.X - (annotated.Width / 2)) < annotated.Width / 2
        && Math.Abs(found.Y + (found.Height / 2) - annotated.Y - (annotated.Height / 2)) < annotated.Height / 2
        && found.IntersectionOverUnion(annotated) > 0.3;

    private static double Distance(ImagePoint found, ImagePoint original, double scale) =>
        Math.Sqrt(Math.Pow(found.X - (original.X * scale), 2) + Math.Pow(found.Y - (original.Y * scale), 2));
}
