using FerActors.Inference.Faces;
using FerActors.Shared.Labels;
using FerActors.Shared.Protocol;
using FerActors.Testing.Pictures;
using FerActors.Vision.Imaging;
using OpenCvSharp;

namespace FerActors.Inference.Tests.Faces;

public class FaceAnnotatorSpecs
{
    [Theory]
    [InlineData(100, 60, 800, 480)]
    [InlineData(300, 400, 720, 960)]
    [InlineData(1200, 900, 1200, 900)]
    [InlineData(4000, 3000, 1920, 1440)]
    public void Drawings_have_a_legible_size(int width, int height, int drawnWidth, int drawnHeight)
    {
        using var picture = TestPictures.Quadrants(width, height);
        var header = ImageHeaderProbe.Probe(FaceAnnotator.Draw(picture, Result()));

        Assert.Equal((ImageFormat.Png, drawnWidth, drawnHeight), (header.Format, header.Width, header.Height));
    }

    [Fact]
    public void A_drawing_may_be_a_jpeg_but_nothing_else()
    {
        using var picture = TestPictures.Quadrants(200, 200);

        Assert.Equal(ImageFormat.Jpeg, ImageHeaderProbe.Probe(FaceAnnotator.Draw(picture, Result(), ImageFormat.Jpeg)).Format);
        Assert.Throws<ArgumentOutOfRangeException>(() => FaceAnnotator.Draw(picture, Result(), ImageFormat.Bmp));
    }

    [Fact]
    public void The_box_is_drawn_where_the_face_is_and_the_picture_itself_stays_as_it_was()
    {
        using var image = ImageDecoder.Decode(TestPictures.Encode(".png", new Mat(960, 960, MatType.CV_8UC3, Scalar.All(128))), ImageLimits.Default);
        using var drawn = Decode(FaceAnnotator.Draw(image, Result(Face(300, 300, 200, Expression.Happy))));
        using var before = new Mat(960, 960, MatType.CV_8UC3, Scalar.All(128));

        Assert.Equal(0, Cv2.Norm(image.Bgr, before));
        var edge = drawn.At<Vec3b>(400, 300);
        Assert.True(edge.Item2 > 200 && edge.Item0 < 100, "The edge has the colour of Happy.");
        Assert.Equal(new Vec3b(128, 128, 128), drawn.At<Vec3b>(350, 380));
        Assert.Equal(new Vec3b(128, 128, 128), drawn.At<Vec3b>(800, 100));
        Assert.NotEqual(new Vec3b(128, 128, 128), drawn.At<Vec3b>(376, 360));
    }

    [Fact]
    public void The_probabilities_stand_beside_the_face()
    {
        using var picture = new Mat(960, 960, MatType.CV_8UC3, Scalar.All(128));
        var face = Face(300, 300, 200, Expression.Sad);
        using var with = Decode(FaceAnnotator.Draw(picture, Result(face)));
        using var without = Decode(FaceAnnotator.Draw(picture, Result(face with { Emotions = [] })));
        using var difference = new Mat();
        Cv2.Absdiff(with, without, difference);
        Cv2.CvtColor(difference, difference, ColorConversionCodes.BGR2GRAY);
        var changed = Cv2.BoundingRect(difference.Threshold(8, 255, ThresholdTypes.Binary));

        Assert.True(changed.Width > 100 && changed.Height > 80, $"{changed}");
        Assert.True(changed.Left >= 500 || changed.Right <= 300, "The bars do not cover the face.");
    }

    [Fact]
    public void Panels_of_a_crowd_cover_no_face()
    {
        using var picture = new Mat(720, 960, MatType.CV_8UC3, Scalar.All(128));
        var faces = Enumerable.Range(0, 24).Select(i => Face(20 + (i % 6 * 155), 60 + (i / 6 * 160), 80, (Expression)(i % 7))).ToArray();
        using var drawn = Decode(FaceAnnotator.Draw(picture, Result(faces)));

        Assert.All(faces, face => Assert.Equal(new Vec3b(128, 128, 128), drawn.At<Vec3b>((int)face.Box.Y + 20, (int)face.Box.X + 40)));
    }

    [Fact]
    public void Results_without_faces_and_errors_are_said_in_words()
    {
        using var picture = new Mat(480, 960, MatType.CV_8UC3, Scalar.All(128));
        var none = FaceAnnotator.Draw(picture, Result());
        var error = FaceAnnotator.Draw(picture, ClassificationResult.Failed("m", null, "n", ErrorCodes.Expired, "Zu spät 😀 " + new string('x', 500)));
        using var drawn = Decode(error);

        Assert.NotEqual(none, error);
        Assert.Equal(new Vec3b(128, 128, 128), drawn.At<Vec3b>(100, 100));
        Assert.NotEqual(new Vec3b(128, 128, 128), drawn.At<Vec3b>(478, 955));
    }

    [Fact]
    public void Numbers_out_of_bounds_do_not_stop_a_drawing()
    {
        using var picture = new Mat(50, 400, MatType.CV_8UC3, Scalar.All(128));
        var wild = Face(1e300, double.NaN, double.PositiveInfinity, (Expression)99) with
        {
            Emotions = [new(Expression.Happy, "happy", double.NaN), new((Expression)(-3), "?", 7)],
            Confidence = double.NaN,
        };

        Assert.NotEmpty(FaceAnnotator.Draw(picture, Result(wild, Face(-500, -500, 2000, Expression.Fear))));
    }

    private static Mat Decode(byte[] png) => Cv2.ImDecode(png, ImreadModes.Color);

    private static ClassificationResult Result(params FaceResult[] faces) => new()
    {
        MessageId = "m",
        Node = "n",
        Faces = faces,
        Model = new ModelIdentity("vit", "1", "00"),
        TimingsMs = new Timings(1, 1, 1, 1, 1, 5),
    };

    private static FaceResult Face(double x, double y, double side, Expression label)
    {
        var emotions = ExpressionNames.All.Select(e => new EmotionProbability(e, e.ToString(), e == label ? 0.7 : 0.05)).ToList();
        ImagePoint At(double dx, double dy) => new(x + (dx * side), y + (dy * side));
        var landmarks = new FaceLandmarks(At(0.3, 0.38), At(0.7, 0.38), At(0.5, 0.6), At(0.35, 0.75), At(0.65, 0.75));
        return new FaceResult(new FaceBox(x, y, side, side), landmarks, 0, 0.9, label, label.ToString(), 0.7, emotions);
    }
}
