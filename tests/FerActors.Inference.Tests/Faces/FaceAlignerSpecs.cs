using FerActors.Inference.Faces;
using FerActors.Shared.Options;
using FerActors.Shared.Protocol;
using FerActors.Vision.Native;
using OpenCvSharp;

namespace FerActors.Inference.Tests.Faces;

public class FaceAlignerSpecs
{
    static FaceAlignerSpecs() => OpenCvRuntime.EnsureLoaded();

    [Fact]
    public void The_template_is_symmetric_and_of_fer2013s_proportions()
    {
        var points = FerTemplate.Points;

        Assert.Equal(1, points.RightEye.X + points.LeftEye.X, 9);
        Assert.Equal(1, points.RightMouth.X + points.LeftMouth.X, 9);
        Assert.Equal(0.5, points.Nose.X, 9);
        Assert.Equal(0.375, points.LeftEye.X - points.RightEye.X, 9);
        Assert.Equal(0.38, points.LeftEye.Y, 2);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(-35)]
    public void Roll_is_clockwise_positive(double degrees)
    {
        var face = FaceAt(100, 100, 50, degrees);

        Assert.Equal(degrees, FaceGeometry.RollDegrees(face.Landmarks), 6);
        Assert.Equal(0, FaceGeometry.RollDegrees(null));
    }

    [Theory]
    [InlineData(48, 0)]
    [InlineData(200, 25)]
    [InlineData(31, -40)]
    public void A_rolled_face_is_turned_upright_and_filled_into_the_template(double size, double degrees)
    {
        var face = FaceAt(300, 200, size, degrees);
        var toCrop = FaceGeometry.PictureToCrop(face, FaceAlignment.Similarity);
        foreach (var (point, template) in face.Landmarks!.ToList().Zip(FerTemplate.Points.ToList()))
        {
            var moved = toCrop.Apply(point);
            Assert.Equal((template.X, template.Y), (Math.Round(moved.X, 9), moved.Y), Near);
        }
    }

    [Fact]
    public void Without_landmarks_the_crop_is_a_square_as_high_as_the_box()
    {
        var face = new DetectedFace(new FaceBox(100, 50, 40, 60), null, null);
        var back = FaceGeometry.PictureToCrop(face, FaceAlignment.Similarity).Inverse();

        Assert.Equal((90.0, 50.0), (back.Apply(new(0, 0)).X, back.Apply(new(0, 0)).Y), Near);
        Assert.Equal((150.0, 110.0), (back.Apply(new(1, 1)).X, back.Apply(new(1, 1)).Y), Near);
    }

    [Fact]
    public void Landmarks_that_make_no_sense_give_way_to_the_box()
    {
        var box = new FaceBox(100, 50, 48, 60);
        var expected = FaceGeometry.PictureToCrop(new DetectedFace(box, null, null), FaceAlignment.Similarity);
        var point = new ImagePoint(120, 80);
        var good = FaceAt(124, 80, 60, 0).Landmarks!;
        FaceLandmarks[] wrong =
        [
            new(point, point, point, point, point),
            good with { Nose = new ImagePoint(double.NaN, 0) },
            // A profile: the points alone would ask for a crop of several heads.
            new(new(120, 80), new(121, 80), new(122, 86), new(120, 90), new(121, 90)),
        ];
        foreach (var landmarks in wrong)
        {
            Assert.Equal(expected, FaceGeometry.PictureToCrop(new DetectedFace(box, landmarks, 0.9), FaceAlignment.Similarity));
        }

        Assert.Equal(expected, FaceGeometry.PictureToCrop(new DetectedFace(box, good, 0.9), FaceAlignment.Box));
        Assert.NotEqual(expected, FaceGeometry.PictureToCrop(new DetectedFace(box, FaceAt(124, 80, 60, 15).Landmarks, 0.9), FaceAlignment.Similarity));
    }

    [Fact]
    public void A_crop_of_the_same_size_is_the_picture_itself()
    {
        using var picture = Noise(48, 48);
        var crop = FaceAligner.Align(picture, BoxFace(0, 0, 48), 48);
        using var gray = new Mat();
        Cv2.CvtColor(picture, gray, ColorConversionCodes.BGR2GRAY);

        Assert.Equal(gray.AsSpan<byte>().ToArray(), crop);
    }

    [Theory]
    [InlineData(96)]
    [InlineData(480)]
    [InlineData(2000)]
    public void A_large_face_is_averaged_down_and_not_sampled(int size)
    {
        // Stripes of one pixel: any sampling gives black and white, an average gives gray.
        using var picture = new Mat(size, size, MatType.CV_8UC3, Scalar.All(0));
        var pixels = picture.AsSpan<Vec3b>();
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = i % size % 2 == 0 ? new Vec3b(255, 255, 255) : default;
        }

        var crop = FaceAligner.Align(picture, BoxFace(0, 0, size), 48);

        Assert.Equal(48 * 48, crop.Length);
        Assert.All(crop, value => Assert.InRange(value, 120, 135));
    }

    [Theory]
    [InlineData(24)]
    [InlineData(60)]
    [InlineData(190)]
    [InlineData(1500)]
    public void A_crop_keeps_places_at_every_scale(int size)
    {
        using var picture = new Mat(size * 2, size * 2, MatType.CV_8UC3, Scalar.All(0));
        // A white right half within the box: its edge must come to lie in the middle of the crop.
        picture[new Rect(size, 0, size, size * 2)].SetTo(Scalar.All(255));
        var crop = FaceAligner.Align(picture, BoxFace(size / 2, size / 2, size), 64);
        for (var y = 0; y < 64; y++)
        {
            var row = crop.AsSpan(y * 64, 64);
            Assert.True(row[28] < 10 && row[35] > 245, $"{row[28]} {row[35]}");
            Assert.InRange((row[31] + row[32]) / 2, 118, 137);
        }
    }

    [Fact]
    public void A_rolled_picture_gives_the_crop_of_the_upright_one()
    {
        using var upright = new Mat(400, 400, MatType.CV_8UC3, Scalar.All(200));
        var face = FaceAt(200, 200, 120, 0);
        foreach (var point in face.Landmarks!.ToList())
        {
            Cv2.Circle(upright, new Point((int)point.X, (int)point.Y), 8, Scalar.All(30), -1);
        }

        Cv2.GaussianBlur(upright, upright, new Size(0, 0), 3);
        using var rolled = new Mat();
        using (var rotation = Cv2.GetRotationMatrix2D(new Point2f(199.5f, 199.5f), -25, 1))
        {
            Cv2.WarpAffine(upright, rolled, rotation, upright.Size(), borderMode: BorderTypes.Replicate);
        }

        var straight = FaceAligner.Align(upright, face, 48);
        var turned = FaceAligner.Align(rolled, FaceAt(200, 200, 120, 25), 48);

        Assert.True(straight.Zip(turned).Average(pair => Math.Abs(pair.First - pair.Second)) < 3);
        Assert.True(straight.Min() < 120);
    }

    [Fact]
    public void Beyond_the_edge_the_last_pixel_is_repeated()
    {
        using var picture = new Mat(100, 100, MatType.CV_8UC3, Scalar.All(50));
        picture[new Rect(0, 0, 3, 100)].SetTo(Scalar.All(250));
        var crop = FaceAligner.Align(picture, BoxFace(-60, 20, 60), 48);

        Assert.All(crop, value => Assert.Equal(250, value));
        Assert.All(FaceAligner.Align(picture, BoxFace(5000, -4000, 60), 48), value => Assert.Equal(50, value));
    }

    [Fact]
    public void Gray_is_bt601()
    {
        using var blue = new Mat(50, 50, MatType.CV_8UC3, new Scalar(255, 0, 0));
        using var green = new Mat(50, 50, MatType.CV_8UC3, new Scalar(0, 255, 0));

        Assert.Equal(29, FaceAligner.Align(blue, BoxFace(0, 0, 50), 8)[20]);
        Assert.Equal(150, FaceAligner.Align(green, BoxFace(0, 0, 50), 8)[20]);
    }

    [Fact]
    public void What_cannot_be_cut_is_a_mistake_of_the_caller()
    {
        using var picture = Noise(20, 20);
        using var gray = new Mat(20, 20, MatType.CV_8UC1, Scalar.All(0));
        var flat = new DetectedFace(new FaceBox(0, 0, 10, 0), null, null);
        var nowhere = new DetectedFace(new FaceBox(double.NaN, 0, 10, 10), null, null);

        Assert.Throws<ArgumentException>(() => FaceAligner.Align(gray, BoxFace(0, 0, 10), 48));
        Assert.Throws<ArgumentException>(() => FaceAligner.Align(picture, flat, 48));
        Assert.Throws<ArgumentException>(() => FaceAligner.Align(picture, nowhere, 48));
        Assert.Throws<ArgumentOutOfRangeException>(() => FaceAligner.Align(picture, BoxFace(0, 0, 10), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => FaceAligner.Align(picture, BoxFace(0, 0, 10), 1025));
    }

    /// <summary>A face of FER2013's proportions: centre and height of the crop, turned clockwise.</summary>
    private static DetectedFace FaceAt(double centreX, double centreY, double size, double degrees)
    {
        var angle = double.DegreesToRadians(degrees);
        ImagePoint Place(ImagePoint point)
        {
            var (x, y) = ((point.X - 0.5) * size, (point.Y - 0.5) * size);
            return new(centreX + (x * Math.Cos(angle)) - (y * Math.Sin(angle)), centreY + (x * Math.Sin(angle)) + (y * Math.Cos(angle)));
        }

        var t = FerTemplate.Points;
        var landmarks = new FaceLandmarks(Place(t.RightEye), Place(t.LeftEye), Place(t.Nose), Place(t.RightMouth), Place(t.LeftMouth));
        return new DetectedFace(new FaceBox(centreX - (size * 0.41), centreY - (size / 2), size * 0.82, size), landmarks, 0.9);
    }

    private static DetectedFace BoxFace(double x, double y, double side) => new(new FaceBox(x, y, side, side), null, null);

    private static Mat Noise(int width, int height)
    {
        var random = new Random(3);
        var picture = new Mat(height, width, MatType.CV_8UC3);
        random.NextBytes(picture.AsSpan<byte>());
        return picture;
    }

    private static bool Near((double X, double Y) a, (double X, double Y) b) => Math.Abs(a.X - b.X) < 1e-8 && Math.Abs(a.Y - b.Y) < 1e-8;
}
